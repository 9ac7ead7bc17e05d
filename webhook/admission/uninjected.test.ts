import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../../src/time/index.ts';
import { inject } from '../inject/index.ts';
import { EventReporter, type MeshEvent } from './events.ts';
import { fakeApi, Recorder, settings } from './testing/admission.ts';
import {
  findUninjected,
  type KubePod,
  reportUninjected,
  type UninjectedContext,
  workloadOf,
} from './uninjected.ts';
import { podReader, searchUninjected } from './uninjected-search.ts';

const context: UninjectedContext = {
  namespaces: name =>
    name === 'shop' ? { labels: { 'weft.dev/inject': 'enabled' }, annotations: {} } : undefined,
  settings: settings(),
};

function pod(name: string, over: { metadata?: object; spec?: object; phase?: string } = {}): KubePod {
  return {
    metadata: { name, namespace: 'shop', uid: `uid-${name}`, ...over.metadata },
    spec: { containers: [{ name: 'app', image: 'a' }], ...over.spec },
    status: { phase: over.phase ?? 'Running' },
  } as KubePod;
}

function owned(kind: string, name: string, apiVersion = 'apps/v1', hash?: string): object {
  return {
    ownerReferences: [{ apiVersion, kind, name, uid: 'o', controller: true }],
    ...(hash === undefined ? {} : { labels: { 'pod-template-hash': hash } }),
  };
}

test('pods of one Deployment are one finding, with the command that mends it', () => {
  const metadata = owned('ReplicaSet', 'cart-7d9f', 'apps/v1', '7d9f');
  const found = findUninjected([pod('cart-7d9f-a', { metadata }), pod('cart-7d9f-b', { metadata })], context);
  assert.equal(found.length, 1);
  const [{ pods, code, remedy, workload } = assert.fail()] = found;
  assert.deepEqual(pods, ['cart-7d9f-a', 'cart-7d9f-b']);
  assert.equal(code, 'missed');
  assert.equal(remedy, 'kubectl rollout restart deployment/cart -n shop');
  assert.deepEqual(workload, { apiVersion: 'apps/v1', kind: 'Deployment', name: 'cart' });
});

test('each kind of workload has its own remedy', () => {
  const remedyOf = (metadata: object) => findUninjected([pod('p', { metadata })], context)[0]?.remedy;
  assert.equal(remedyOf(owned('StatefulSet', 'db')), 'kubectl rollout restart statefulset/db -n shop');
  assert.equal(remedyOf(owned('DaemonSet', 'd')), 'kubectl rollout restart daemonset/d -n shop');
  assert.match(remedyOf(owned('Job', 'j', 'batch/v1'))!, /delete job\/j -n shop/);
  assert.equal(remedyOf(owned('ReplicationController', 'r', 'v1')), 'kubectl delete pod/p -n shop');
  assert.match(remedyOf({})!, /get pod\/p -n shop -o yaml \| weft inject - \| kubectl replace --force/);
});

test('injected, ended, unasked and disabled pods are no findings', () => {
  const injected = inject(
    pod('in'),
    { namespace: 'shop', namespaceLabels: { 'weft.dev/inject': 'enabled' } },
    settings().inject,
  );
  assert.equal(injected.kind, 'injected');
  const pods = [
    (injected as { pod: KubePod }).pod,
    pod('done', { phase: 'Succeeded' }),
    pod('failed', { phase: 'Failed' }),
    pod('going', { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }),
    pod('elsewhere', { metadata: { namespace: 'plain' } }),
    pod('off', { metadata: { labels: { 'weft.dev/inject': 'disabled' } } }),
    { metadata: { name: 'odd', namespace: 'shop' } } as unknown as KubePod,
  ];
  assert.deepEqual(findUninjected(pods, context), []);
  const ownerAnnotations = () => ({ 'weft.dev/inject': 'disabled' });
  assert.deepEqual(findUninjected([pod('p')], { ...context, ownerAnnotations }), []);
});

test('what cannot be injected is told apart from what was missed', () => {
  const found = findUninjected(
    [
      pod('a', { spec: { hostNetwork: true } }),
      pod('b', { metadata: { annotations: { 'weft.dev/log-level': 'loud' } } }),
    ],
    context,
  );
  assert.deepEqual(
    found.map(({ code }) => code),
    ['impossible', 'refused'],
  );
  assert.match(found[0]!.remedy, /label it weft.dev\/inject=disabled/);
  assert.match(found[1]!.reason, /log-level/);
  assert.match(found[1]!.remedy, /^mend that, then kubectl/);
});

test('a ReplicaSet without a Deployment is itself the workload', () => {
  assert.equal(workloadOf(pod('x', { metadata: owned('ReplicaSet', 'x') })).kind, 'ReplicaSet');
});

test('workloads get an event with the remedy, once', async () => {
  const events: MeshEvent[] = [];
  const { log } = new Recorder();
  const reporter = new EventReporter({ sink: each => void events.push(each), clock: new FakeClock(), log });
  const found = findUninjected([pod('p', { metadata: owned('StatefulSet', 'db') })], context);
  reportUninjected(found, reporter);
  reportUninjected(found, reporter);
  assert.equal(events.length, 1);
  assert.equal(events[0]?.about.name, 'db');
  assert.match(events[0]!.message, /remedy: kubectl rollout restart statefulset\/db -n shop/);
});

test('a search reads whole pods and their owners before it believes a pruned registry', async () => {
  const pruned = pod('cart-1', { metadata: { uid: undefined } });
  const whole = pod('cart-1', {
    metadata: owned('StatefulSet', 'cart'),
    spec: { nodeSelector: { 'kubernetes.io/os': 'windows' } },
  });
  const off = pod('off-1', { metadata: owned('StatefulSet', 'off') });
  const api = fakeApi({
    'GET /api/v1/namespaces/shop/pods/cart-1': { status: 200, body: whole },
    'GET /api/v1/namespaces/shop/pods/off-1': { status: 200, body: off },
  });
  const owners = (_: string, { name }: { name: string }) =>
    Promise.resolve({
      annotations: (name === 'off' ? { 'weft.dev/inject': 'disabled' } : {}) as Record<string, string>,
      top: { apiVersion: 'apps/v1', kind: 'StatefulSet', name },
    });
  const gone = pod('gone-1');
  const found = await searchUninjected([pruned, off, gone], { ...context, owners, read: podReader(api) });
  assert.deepEqual(
    found.map(({ code, workload }) => [code, workload.name]),
    [['impossible', 'cart']],
  );
});
