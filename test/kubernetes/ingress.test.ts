// Ingresses on a real API server: their statuses, and the Secrets that they name, with the rights that weft install gives.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gatewayObjects, gatewayPlan, installOptions } from '../../src/cli/install/index.ts';
import { noApiServer, openApiServer, type TestApiServer } from './support/api-server.ts';
import { startInjector } from './support/injector.ts';
import { apply, good, makeControlPlaneAccount, makeNamespace, until } from './support/objects.ts';

let api: TestApiServer;

before(async () => {
  if (noApiServer) return;
  api = await openApiServer();
  for (const name of ['edge', 'shop', 'blog']) await makeNamespace(api.client, name);
});

after(async () => {
  if (!noApiServer) await api.close();
});

type Fields = Record<string, unknown>;

const networking = '/apis/networking.k8s.io/v1';

async function makeClass(name: string, controller: string): Promise<void> {
  await apply(api.client, `${networking}/ingressclasses`, {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IngressClass',
    // What the parameters say is lost on servers before 1.21.
    metadata: {
      name,
      ...(controller.startsWith('weft') && { annotations: { 'weft.dev/gateway': 'edge/web' } }),
    },
    spec: {
      controller,
      ...(controller.startsWith('weft') && {
        parameters: {
          ...{ apiGroup: 'gateway.networking.k8s.io', kind: 'Gateway' },
          ...{ namespace: 'edge', name: 'web', scope: 'Namespace' },
        },
      }),
    },
  });
}

async function makeIngress(namespace: string, name: string, ingressClassName: string): Promise<void> {
  const backend = { service: { name: 'web', port: { number: 80 } } };
  await apply(api.client, `${networking}/namespaces/${namespace}/ingresses`, {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name },
    spec: {
      ingressClassName,
      tls: [{ hosts: [`${namespace}.example.com`], secretName: 'tls' }],
      rules: [
        { host: `${namespace}.example.com`, http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } },
      ],
    },
  });
}

/** The ip and hostname of each entry of status.loadBalancer. */
async function entries(namespace: string, name: string): Promise<readonly unknown[]> {
  const { status } = await good(
    api.client.call({ path: `${networking}/namespaces/${namespace}/ingresses/${name}` }),
  );
  return ((((status as Fields).loadBalancer ?? {}) as Fields).ingress ?? []) as readonly unknown[];
}

async function setBalancer(ingress: readonly object[]): Promise<void> {
  const path = '/api/v1/namespaces/edge/services/web-weft/status';
  await good(api.client.call({ method: 'PATCH', path, body: { status: { loadBalancer: { ingress } } } }));
}

test('an Ingress gets the addresses of the Service in front of its gateway, follows them, and loses them with its class', {
  skip: noApiServer,
}, async context => {
  const objects = gatewayObjects(installOptions(), gatewayPlan('edge/web', '80,443', 'shop'));
  const service = objects.find(each => each.kind === 'Service')!;
  await apply(api.client, '/api/v1/namespaces/edge/services', service as never);
  await makeClass('edge', 'weft.dev/ingress-controller');
  await makeClass('other', 'example.com/controller');
  await makeIngress('shop', 'web', 'edge');
  await makeIngress('shop', 'theirs', 'other');
  const theirs = { status: { loadBalancer: { ingress: [{ ip: '192.0.2.99' }] } } };
  const path = `${networking}/namespaces/shop/ingresses`;
  await good(api.client.call({ method: 'PATCH', path: `${path}/theirs/status`, body: theirs }));
  const token = await makeControlPlaneAccount(api.client, 'weft-injector');
  const injector = await startInjector(context, await api.kubeconfigOf(token), 'weft-injector-ingress');
  await injector.served;
  await setBalancer([{ ip: '203.0.113.5' }]);
  await until('the address', async () => (await entries('shop', 'web')).length === 1);
  assert.deepEqual(await entries('shop', 'web'), [{ ip: '203.0.113.5' }]);
  await setBalancer([{ hostname: 'lb.example.com' }]);
  await until('the name', async () =>
    JSON.stringify(await entries('shop', 'web')).includes('lb.example.com'),
  );
  assert.deepEqual(await entries('shop', 'web'), [{ hostname: 'lb.example.com' }]);
  const body = { spec: { ingressClassName: 'other' } };
  await good(api.client.call({ method: 'PATCH', path: `${path}/web`, body }));
  await until('nothing of ours', async () => (await entries('shop', 'web')).length === 0);
  assert.deepEqual(await entries('shop', 'theirs'), [{ ip: '192.0.2.99' }], 'not ours to change');
  const problems = await injector.json<{ code: string }[]>('/debug/problems');
  assert.ok(!problems.some(each => each.code === 'status-not-written'));
});

test('Secrets of Ingresses are read where the user gave the right, and where not it is said', {
  skip: noApiServer,
}, async context => {
  const objects = gatewayObjects(installOptions(), gatewayPlan('edge/web', '80,443', 'shop'));
  for (const each of objects.filter(({ kind }) => /^Role/.test(kind))) {
    const plural = `${each.kind.toLowerCase()}s`;
    const place = `/apis/rbac.authorization.k8s.io/v1/namespaces/${each.metadata.namespace}/${plural}`;
    await apply(api.client, place, each as never);
  }
  for (const namespace of ['shop', 'blog']) {
    await apply(api.client, `/api/v1/namespaces/${namespace}/secrets`, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'tls' },
      type: 'Opaque',
      data: { 'tls.crt': 'bm9uZQ==' },
    });
    await makeIngress(namespace, 'secured', 'edge');
  }
  await makeClass('edge', 'weft.dev/ingress-controller');
  const token = await makeControlPlaneAccount(api.client, 'weft-injector');
  const injector = await startInjector(context, await api.kubeconfigOf(token), 'weft-injector-secrets');
  await injector.served;
  const about = async (code: string): Promise<readonly string[]> =>
    (await injector.json<{ code: string; message: string }[]>('/debug/problems')).flatMap(each =>
      each.code === code ? [each.message] : [],
    );
  // It is there and read: what is in it is no certificate.
  await until('the Secret of shop', async () =>
    (await about('credential-invalid')).some(each => each.includes('Secret shop/tls')),
  );
  await until('the missing right', async () =>
    (await about('api-forbidden')).some(each => /secrets/.test(each) && /blog/.test(each)),
  );
  assert.ok((await about('credential-missing')).some(each => each.includes('Secret blog/tls')));
});
