import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UsedByProxies } from '../model/index.ts';
import { readObject, refOf, type Stored } from '../registry/index.ts';
import { analyze, type Finding, meshOfObjects } from './index.ts';

const MiB = 2 ** 20;
const sizeCodes = ['proxy-too-small', 'proxy-too-large'];

interface Asked {
  readonly requests?: Readonly<Record<string, string>>;
  readonly limits?: Readonly<Record<string, string>>;
}
const usual: Asked = { requests: { cpu: '10m', memory: '64Mi' }, limits: { memory: '256Mi' } };

function pod(name: string, resources: Asked | undefined): object {
  const status = JSON.stringify({ version: '0.1.0' });
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'shop',
      annotations: { 'weft.dev/status': status },
      labels: { app: 'cart', 'pod-template-hash': 'abc' },
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'cart-abc', controller: true }],
    },
    spec: {
      containers: [{ name: 'app', image: 'app', resources: { requests: { memory: '2Gi' } } }],
      initContainers: [{ name: 'weft-proxy', image: 'weft', restartPolicy: 'Always', resources }],
    },
    status: { phase: 'Running', podIP: `10.0.0.${name.length}` },
  };
}

const deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'cart', namespace: 'shop' },
  spec: {
    selector: { matchLabels: { app: 'cart' } },
    template: { metadata: { labels: { app: 'cart' } }, spec: { containers: [] } },
  },
};

function found(
  uses: Readonly<Record<string, Partial<UsedByProxies>>>,
  resources: Asked | undefined = usual,
): readonly Finding[] {
  const objects = [deployment, ...Object.keys(uses).map(name => pod(name, resources))].map((each): Stored => {
    const read = readObject(each);
    assert.ok(read.kind === 'object');
    return { object: read.object, ref: refOf(read.object) };
  });
  const used = new Map(
    Object.entries(uses).map(([name, use]): [string, UsedByProxies] => [
      `shop/${name}`,
      { busiestCores: 0.001, peakBytes: 30 * MiB, seconds: 7_200, ...use },
    ]),
  );
  const all = analyze(meshOfObjects(objects, { expectPods: false }), used);
  return all.filter(({ code }) => sizeCodes.includes(code));
}

test('who used what is asked for is fine, and so is who was not asked', () => {
  assert.deepEqual(found({ 'cart-1': {} }), []);
  assert.deepEqual(found({ 'cart-1': { peakBytes: 60 * MiB, busiestCores: 0.01 } }), []);
  const objects = meshOfObjects([], { expectPods: false });
  assert.deepEqual(analyze(objects, new Map()), analyze(objects));
});

test('a workload is told once, by the pod that used the most, with what to write', () => {
  const [one, ...others] = found({
    'cart-1': { peakBytes: 70 * MiB },
    'cart-22': { busiestCores: 0.11, seconds: 60 },
  });
  assert.deepEqual(others, []);
  assert.deepEqual(
    [one!.code, one!.severity, one!.object!.kind, one!.object!.name],
    ['proxy-too-small', 'info', 'Deployment', 'cart'],
  );
  assert.equal(
    one!.reason,
    'it asks for 64Mi of memory and used 70Mi: a node that runs out of memory ends its pods first; it asks for 10m CPU and used 110m: on a busy node it does not get that (the most of 2 pods within 2 hours)',
  );
  assert.equal(
    one!.remedy,
    'annotate its pod template with weft.dev/proxy-cpu-request: 130m, weft.dev/proxy-memory-request: 88Mi, weft.dev/proxy-memory-limit: 160Mi',
  );
});

test('near a limit it is a warning: the proxy slows down, or gets no CPU', () => {
  const limits = { cpu: '100m', memory: '128Mi' };
  const [memory] = found({ 'cart-1': { peakBytes: 90 * MiB } }, { ...usual, limits });
  assert.deepEqual([memory!.severity, memory!.code], ['warning', 'proxy-too-small']);
  assert.match(memory!.reason, /^of its limit of 128Mi memory 90Mi were used \(/);
  assert.match(memory!.remedy, /memory-limit: 192Mi, no weft\.dev\/proxy-cpu-limit/);
  const [cpu] = found({ 'cart-1': { busiestCores: 0.09 } }, { ...usual, limits });
  assert.match(cpu!.reason, /^of its limit of 100m CPU 90m were used/);
});

test('too much is told after an hour, and where it is worth a restart', () => {
  const much = { requests: { cpu: '100m', memory: '256Mi' }, limits: { memory: '1Gi' } };
  const [one] = found({ 'cart-1': {} }, much);
  assert.deepEqual([one!.code, one!.severity], ['proxy-too-large', 'info']);
  assert.equal(
    one!.reason,
    'it asks for 256Mi of memory and used 30Mi, and for 100m CPU and used 1m (the most of 1 pod within 2 hours)',
  );
  assert.deepEqual(found({ 'cart-1': { seconds: 3_599 } }, much), []);
  assert.deepEqual(found({ 'cart-1': {} }, { requests: { cpu: '20m', memory: '64Mi' } }), []);
});

test('a proxy that asks for nothing at all is too small, and one whose requests nobody can read is left alone', () => {
  assert.equal(found({ 'cart-1': {} }, {})[0]?.code, 'proxy-too-small');
  const unreadable = { requests: { cpu: '10m', memory: 'much' } };
  assert.match(found({ 'cart-1': {} }, unreadable)[0]!.reason, /it asks for 0Mi of memory/);
});
