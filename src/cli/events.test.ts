import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TYPES } from '../kubernetes/index.ts';
import { concerning } from './events/concern.ts';
import { eventsText } from './events/text.ts';
import type { MeshEvent, MeshPod } from './proxies/index.ts';
import { fakeCluster } from './proxies/testing/fake-cluster.ts';

const nowMs = Date.parse('2026-01-01T10:00:00Z');
const event = (over: Partial<MeshEvent>): MeshEvent => ({
  ...{
    atMs: nowMs - 90_000,
    type: 'Warning',
    reason: 'Unhealthy',
    kind: 'Pod',
    namespace: 'shop',
    name: 'web-7d9f-x2b',
  },
  ...{ message: 'Readiness probe failed', count: 1, from: 'kubelet', ...over },
});
const pods: readonly MeshPod[] = [
  {
    ...{ namespace: 'shop', name: 'web-7d9f-x2b', labels: {}, phase: 'Running' },
    proxyVersion: '1',
    workload: 'web',
  },
  { ...{ namespace: 'shop', name: 'plain-1-2', labels: {}, phase: 'Running' }, workload: 'plain' },
];
const concerns = (over: Partial<MeshEvent>, everything = false): string | undefined =>
  concerning([event(over)], { pods, systemNamespace: 'weft-system' }, everything)[0]?.concern;

test('what Weft reports, what is said of it, the control plane and pods with a proxy concern the mesh', () => {
  assert.equal(
    concerns({ from: 'weft.dev/injector', type: 'Normal', kind: 'Deployment', name: 'plain' }),
    'mesh',
  );
  const denied = 'admission webhook "inject.weft.dev" denied the request';
  assert.equal(
    concerns({ kind: 'ReplicaSet', name: 'plain-1', reason: 'FailedCreate', message: denied }),
    'mesh',
  );
  assert.equal(concerns({ namespace: 'weft-system', name: 'weft-injector-a-b' }), 'control plane');
  assert.equal(concerns({}), 'proxied pod');
});

test('of pods with a proxy warnings are shown, also of those that are gone and of what makes them; all only when asked', () => {
  assert.equal(concerns({ name: 'web-7d9f-gone' }), 'proxied pod');
  assert.equal(concerns({ kind: 'ReplicaSet', name: 'web-7d9f' }), 'proxied pod');
  assert.equal(concerns({ kind: 'Deployment', name: 'web' }), 'proxied pod');
  assert.equal(concerns({ type: 'Normal', reason: 'Pulled' }), undefined);
  assert.equal(concerns({ type: 'Normal', reason: 'Pulled' }, true), 'proxied pod');
});

test('what is of others does not concern it', () => {
  assert.equal(concerns({ name: 'plain-1-2' }, true), undefined);
  assert.equal(concerns({ namespace: 'other' }, true), undefined);
  assert.equal(concerns({ name: 'webhook-1-2', kind: 'Pod' }, true), undefined);
  assert.equal(concerns({ message: 'the wefts are off' }, true) === 'mesh', false);
});

test('the table says how long ago, about what and how often', () => {
  const found = concerning(
    [
      event({ count: 3 }),
      event({
        from: 'weft.dev/injector',
        type: 'Normal',
        kind: '',
        name: '',
        namespace: '',
        message: 'a\nb',
      }),
    ],
    { pods, systemNamespace: 'weft-system' },
    false,
  );
  assert.equal(
    eventsText(found, nowMs, { colours: false }),
    [
      'AGE  TYPE     REASON     OBJECT                 MESSAGE',
      '1m   Warning  Unhealthy  Pod shop/web-7d9f-x2b  Readiness probe failed (3 times)',
      '1m   Normal   Unhealthy  -                      a b',
    ].join('\n'),
  );
});

test('events are read from the cluster, of either way in which they are written, the newest last', async t => {
  const { api, weft } = await fakeCluster('events', t, [{ name: 'web-0' }], {});
  const about = { kind: 'Pod', name: 'web-0', namespace: 'shop' };
  const put = (name: string, more: object): void =>
    api.put(TYPES.event, {
      metadata: { name, namespace: 'shop' },
      involvedObject: about,
      type: 'Warning',
      ...more,
    });
  put('b', {
    reason: 'BackOff',
    message: 'new',
    eventTime: '2026-01-01T10:00:00.000000Z',
    series: { count: 4, lastObservedTime: '2026-01-01T11:00:00Z' },
  });
  put('a', {
    reason: 'Unhealthy',
    message: 'old',
    lastTimestamp: '2026-01-01T10:30:00Z',
    count: 2,
    source: { component: 'kubelet' },
  });
  put('c', { reason: 'Gone', message: 'none', involvedObject: { ...about, name: 'other' } });
  const { out, err } = await weft('-o', 'json');
  assert.equal(err, '');
  assert.deepEqual(
    JSON.parse(out).map((each: MeshEvent) => [
      each.reason,
      each.count,
      each.from,
      new Date(each.atMs).toISOString(),
    ]),
    [
      ['Unhealthy', 2, 'kubelet', '2026-01-01T10:30:00.000Z'],
      ['BackOff', 4, '', '2026-01-01T11:00:00.000Z'],
    ],
  );
  const recent = await weft('--since', '1m');
  assert.equal(recent.out, 'no event concerns the mesh\n');
});
