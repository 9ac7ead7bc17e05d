import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseQuantity } from '../../model/index.ts';
import type { ConfigMap, Container, EnvVar, Secret } from '../kube/index.ts';
import { pod, service } from '../testing/objects.ts';
import { containerEnv, type EnvLookup, expand, serviceEnv } from './env.ts';

const settings = { data: { color: 'blue', size: '3' } } as unknown as ConfigMap;
const secret = {
  data: { key: Buffer.from('s3cret').toString('base64') },
  stringData: { plain: 'text' },
} as unknown as Secret;
const lookup: EnvLookup = {
  configMap: name => (name === 'settings' ? settings : undefined),
  secret: name => (name === 'keys' ? secret : undefined),
  addresses: { podIp: '10.244.0.9', hostIp: '10.244.0.1' },
};

function envOf(env: EnvVar[], more: Partial<Container> = {}) {
  return containerEnv(pod('web-1'), { name: 'app', env, ...more }, lookup, { BASE: 'b' });
}

function values(env: EnvVar[], more: Partial<Container> = {}): Readonly<Record<string, string>> {
  const found = envOf(env, more);
  assert.ok('env' in found, JSON.stringify(found));
  return found.env;
}

test('variables refer to those before them, to themselves in the base, and not to those after', () => {
  const env = values([
    { name: 'A', value: '$(BASE)-$(LATER)-$$(A)' },
    { name: 'LATER', value: 'l' },
    { name: 'B', value: '$(A)/$(LATER)' },
  ]);
  assert.equal(env.A, 'b-$(LATER)-$(A)');
  assert.equal(env.B, 'b-$(LATER)-$(A)/l');
});

test('fields of the pod', () => {
  const field = (fieldPath: string): EnvVar => ({ name: fieldPath, valueFrom: { fieldRef: { fieldPath } } });
  const paths = [
    'metadata.name',
    'metadata.namespace',
    "metadata.labels['app']",
    'status.podIP',
    'status.podIPs',
    'status.hostIP',
  ];
  const env = values(paths.map(field));
  assert.deepEqual(
    paths.map(path => env[path]),
    ['web-1', 'shop', 'web', '10.244.0.9', '10.244.0.9', '10.244.0.1'],
  );
});

test('resources in the units that were asked for', () => {
  const resource = (name: string, divisor?: string): EnvVar => ({
    name: `${name}${divisor ?? ''}`,
    valueFrom: { resourceFieldRef: { resource: name, ...(divisor ? { divisor } : {}) } },
  });
  const resources = { limits: { cpu: '1500m', memory: '64Mi' }, requests: { memory: '32Mi' } };
  const env = values(
    [
      resource('limits.cpu'),
      resource('limits.cpu', '1m'),
      resource('limits.memory', '1Mi'),
      resource('requests.memory'),
    ],
    {
      resources,
    },
  );
  assert.deepEqual(
    [env['limits.cpu'], env['limits.cpu1m'], env['limits.memory1Mi'], env['requests.memory']],
    ['2', '1500', '64', '33554432'],
  );
});

test('ConfigMaps and Secrets, whole and by key', () => {
  const env = values(
    [
      { name: 'ONE', valueFrom: { configMapKeyRef: { name: 'settings', key: 'color' } } },
      { name: 'TWO', valueFrom: { secretKeyRef: { name: 'keys', key: 'key' } } },
      { name: 'NONE', valueFrom: { secretKeyRef: { name: 'keys', key: 'absent', optional: true } } },
    ],
    {
      envFrom: [
        { prefix: 'P_', configMapRef: { name: 'settings' } },
        { secretRef: { name: 'keys' } },
        { configMapRef: { name: 'gone', optional: true } },
      ],
    },
  );
  assert.deepEqual(
    [env.ONE, env.TWO, env.P_color, env.P_size, env.plain, env.NONE],
    ['blue', 's3cret', 'blue', '3', 'text', undefined],
  );
});

test('what is missing is named', () => {
  assert.deepEqual(
    envOf([{ name: 'A', valueFrom: { configMapKeyRef: { name: 'settings', key: 'nope' } } }]),
    {
      missing: 'key nope of ConfigMap settings',
    },
  );
  assert.deepEqual(envOf([], { envFrom: [{ secretRef: { name: 'gone' } }] }), { missing: 'Secret gone' });
});

test('a dollar that refers to nothing stays', () => {
  assert.equal(expand('$HOME $(x y) $(UNKNOWN) $$', {}), '$HOME $(x y) $(UNKNOWN) $');
});

test('Services of the namespace show up as variables unless the pod does not want them', () => {
  const services = [
    service('my-web', { clusterIP: '10.96.0.20' }),
    service('headless', { clusterIP: 'None' }),
  ];
  const env = serviceEnv(pod('web-1'), services);
  assert.deepEqual(env, {
    MY_WEB_SERVICE_HOST: '10.96.0.20',
    MY_WEB_SERVICE_PORT: '80',
    MY_WEB_SERVICE_PORT_HTTP: '80',
  });
  assert.deepEqual(serviceEnv(pod('web-1', { spec: { enableServiceLinks: false } }), services), {});
});

test('quantities', () => {
  const texts = ['250m', '2', '128Mi', '1.5G', '1e3', 'x', '', '5 Mi'];
  assert.deepEqual(texts.map(parseQuantity), [
    0.25,
    2,
    134_217_728,
    1.5e9,
    1000,
    undefined,
    undefined,
    undefined,
  ]);
});
