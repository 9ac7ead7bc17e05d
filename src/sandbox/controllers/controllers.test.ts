import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isPodReady, isTerminating, type KubeObject, type Pod, withRestart } from '../kube/index.ts';
import { TestCluster } from '../testing/cluster.ts';
import { deployment, podSpec, service, statefulSet } from '../testing/objects.ts';

function versionOf(pod: Pod): string {
  return pod.metadata.labels?.version ?? '';
}

test('a Deployment makes as many pods as it wants, with its labels and its ReplicaSet as owner', async () => {
  const cluster = new TestCluster();
  await cluster.put(deployment(3));
  const pods = cluster.pods();
  assert.equal(pods.length, 3);
  const [set] = cluster.store.list('ReplicaSet');
  for (const pod of pods) {
    assert.equal(pod.metadata.labels?.app, 'web');
    assert.equal(pod.metadata.ownerReferences?.[0]?.name, set!.metadata.name);
    assert.match(pod.metadata.name, /^web-[a-z0-9]{10}-[a-z0-9]{5}$/);
  }
  assert.equal(new Set(pods.map(pod => pod.metadata.name)).size, 3);
});

test('a pod that is gone is replaced', async () => {
  const cluster = new TestCluster();
  await cluster.put(deployment(2));
  cluster.controllers.deletePod(cluster.pods()[0]!);
  await cluster.settle();
  assert.equal(cluster.pods().length, 2);
  await cluster.removeTerminated();
  assert.equal(cluster.store.list('Pod').length, 2);
});

test('a rolling update of one replica starts the new pod first and ends the old one when the new is ready', async () => {
  const cluster = new TestCluster();
  await cluster.put(deployment(1));
  await cluster.makeReady();
  await cluster.put(deployment(1, 'v2'));
  assert.deepEqual(cluster.pods().map(versionOf).sort(), ['v1', 'v2']);
  assert.equal(cluster.store.list('Pod').filter(isTerminating).length, 0);
  await cluster.makeReady();
  assert.deepEqual(cluster.pods().map(versionOf), ['v2']);
  await cluster.removeTerminated();
  assert.equal(cluster.store.list('ReplicaSet').length, 1);
});

test('a rolling update never has fewer ready pods than allowed, nor more pods than the surge, whatever the order of readiness', async () => {
  const strategy = { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } };
  const cluster = new TestCluster();
  await cluster.put(deployment(4, 'v1', strategy));
  await cluster.makeReady();
  await cluster.put(deployment(4, 'v2', strategy));
  for (let round = 0; round < 20; round++) {
    const active = cluster.pods();
    assert.ok(active.length <= 5, `${active.length} pods`);
    assert.ok(active.filter(isPodReady).length >= 4, `${active.filter(isPodReady).length} ready`);
    const waiting = active.filter(pod => !isPodReady(pod));
    if (waiting.length === 0) break;
    await cluster.setReady(waiting.at(-1)!, true);
    if (round % 2 === 0) await cluster.removeTerminated();
  }
  assert.deepEqual(cluster.pods().map(versionOf), ['v2', 'v2', 'v2', 'v2']);
});

test('an update whose pods never get ready leaves the old ones in place', async () => {
  const cluster = new TestCluster();
  await cluster.put(deployment(2));
  await cluster.makeReady();
  await cluster.put(deployment(2, 'broken'));
  await cluster.settle();
  assert.equal(cluster.pods().filter(pod => versionOf(pod) === 'v1').length, 2);
  await cluster.put(deployment(2, 'v3'));
  await cluster.makeReady(pod => versionOf(pod) === 'v3');
  await cluster.makeReady(pod => versionOf(pod) === 'v3');
  await cluster.removeTerminated();
  assert.deepEqual(cluster.pods().map(versionOf), ['v3', 'v3']);
});

test('Recreate ends every old pod before it starts a new one', async () => {
  const cluster = new TestCluster();
  await cluster.put(deployment(2, 'v1', { type: 'Recreate' }));
  await cluster.makeReady();
  await cluster.put(deployment(2, 'v2', { type: 'Recreate' }));
  assert.equal(cluster.pods().length, 0);
  await cluster.removeTerminated();
  assert.deepEqual(cluster.pods().map(versionOf), ['v2', 'v2']);
});

test('with maxUnavailable the update goes on while pods are missing', async () => {
  const strategy = { rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } };
  const cluster = new TestCluster();
  await cluster.put(deployment(2, 'v1', strategy));
  await cluster.makeReady();
  await cluster.put(deployment(2, 'v2', strategy));
  assert.deepEqual(cluster.pods().map(versionOf).sort(), ['v1', 'v2']);
});

test('minReadySeconds keeps the old pod until the new one has been ready that long', async () => {
  const cluster = new TestCluster();
  const slow = (version: string): KubeObject => {
    const base = deployment(1, version);
    return { ...base, spec: { ...base.spec, minReadySeconds: 10 } } as KubeObject;
  };
  await cluster.put(slow('v1'));
  await cluster.makeReady();
  await cluster.clock.advance(11_000);
  await cluster.put(slow('v2'));
  await cluster.makeReady(pod => versionOf(pod) === 'v2');
  await cluster.clock.advance(5_000);
  await cluster.settle();
  assert.deepEqual(cluster.pods().map(versionOf).sort(), ['v1', 'v2']);
  await cluster.clock.advance(6_000);
  await cluster.settle();
  assert.deepEqual(cluster.pods().map(versionOf), ['v2']);
});

test('a restart is a rolling update to the same template', async () => {
  const cluster = new TestCluster();
  await cluster.put(deployment(1));
  await cluster.makeReady();
  const before = cluster.pods()[0]!.metadata.name;
  await cluster.put(withRestart(cluster.store.list('Deployment')[0]!, '2026-01-01T00:00:00Z'));
  await cluster.makeReady();
  await cluster.removeTerminated();
  assert.equal(cluster.pods().length, 1);
  assert.notEqual(cluster.pods()[0]!.metadata.name, before);
});

test('scaling down ends pods that are not ready first', async () => {
  const cluster = new TestCluster();
  await cluster.put(deployment(3));
  await cluster.makeReady();
  const sick = cluster.pods()[1]!;
  await cluster.setReady(sick, false);
  await cluster.put(deployment(2));
  assert.ok(!cluster.pods().some(pod => pod.metadata.name === sick.metadata.name));
  assert.equal(cluster.pods().length, 2);
});

test('removing a Deployment removes its ReplicaSets and ends its pods', async () => {
  const cluster = new TestCluster();
  await cluster.put(deployment(2));
  cluster.controllers.removeCascading(cluster.store.list('Deployment')[0]!);
  await cluster.settle();
  assert.equal(cluster.store.list('ReplicaSet').length, 0);
  assert.equal(cluster.pods().length, 0);
});

test('a StatefulSet starts its pods one after the other and replaces them from the last', async () => {
  const cluster = new TestCluster();
  await cluster.put(statefulSet(2));
  assert.deepEqual(
    cluster.pods().map(pod => pod.metadata.name),
    ['db-0'],
  );
  await cluster.makeReady();
  assert.deepEqual(
    cluster.pods().map(pod => pod.metadata.name),
    ['db-0', 'db-1'],
  );
  assert.equal(cluster.pods()[1]!.spec.hostname, 'db-1');
  assert.equal(cluster.pods()[1]!.spec.subdomain, 'dbs');
  await cluster.makeReady();
  await cluster.put(statefulSet(2, 'v2'));
  assert.deepEqual(
    cluster.pods().map(pod => pod.metadata.name),
    ['db-0'],
  );
  await cluster.removeTerminated();
  assert.deepEqual(cluster.pods().map(versionOf), ['v1', 'v2']);
  await cluster.makeReady();
  await cluster.removeTerminated();
  await cluster.makeReady();
  assert.deepEqual(cluster.pods().map(versionOf), ['v2', 'v2']);
});

test('pods of a StatefulSet find their claims again by their name', async () => {
  const cluster = new TestCluster();
  const set = statefulSet(1);
  await cluster.put({
    ...set,
    spec: { ...set.spec, volumeClaimTemplates: [{ metadata: { name: 'data' } }] },
  } as KubeObject);
  const claims = () =>
    cluster.pods()[0]!.spec.volumes!.map(volume => volume.persistentVolumeClaim?.claimName);
  assert.deepEqual(claims(), ['data-db-0']);
  cluster.controllers.deletePod(cluster.pods()[0]!);
  await cluster.removeTerminated();
  assert.deepEqual(claims(), ['data-db-0']);
});

test('a Job runs until it has completed, and gives up after its backoff limit', async () => {
  const cluster = new TestCluster();
  const job = (name: string, backoffLimit: number): KubeObject =>
    ({
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name, namespace: 'shop', uid: `uid-of-${name}` },
      spec: { backoffLimit, template: { spec: podSpec({ restartPolicy: 'Never' }) } },
    }) as KubeObject;
  await cluster.put(job('good', 1), job('bad', 1));
  const podOf = (name: string): Pod =>
    cluster.store
      .list('Pod')
      .filter(pod => pod.metadata.labels?.['job-name'] === name)
      .at(-1)!;
  await cluster.finish(podOf('good'), 'Succeeded');
  assert.equal(cluster.store.get('Job', 'shop', 'good')?.status?.conditions?.[0]?.type, 'Complete');
  await cluster.finish(podOf('bad'), 'Failed');
  assert.equal(cluster.store.get('Job', 'shop', 'bad')?.status?.conditions, undefined);
  await cluster.finish(podOf('bad'), 'Failed');
  const condition = cluster.store.get('Job', 'shop', 'bad')?.status?.conditions?.[0];
  assert.deepEqual([condition?.type, condition?.reason], ['Failed', 'BackoffLimitExceeded']);
});

test('a CronJob makes a Job when its minute has come', async () => {
  const cluster = new TestCluster();
  await cluster.put({
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: {
      name: 'tick',
      namespace: 'shop',
      uid: 'uid-of-tick',
      creationTimestamp: '2026-01-01T00:00:00.000Z',
    },
    spec: {
      schedule: '*/5 * * * *',
      jobTemplate: { spec: { template: { spec: podSpec({ restartPolicy: 'Never' }) } } },
    },
  } as KubeObject);
  await cluster.clock.advance(4 * 60_000);
  await cluster.settle();
  assert.equal(cluster.store.list('Job').length, 0);
  await cluster.clock.advance(60_001);
  await cluster.settle();
  assert.equal(cluster.store.list('Job').length, 1);
  assert.equal(cluster.pods().length, 1);
});

test('endpoints follow readiness, and a pod that is asked to go is out at once though it still serves', async () => {
  const cluster = new TestCluster();
  await cluster.put(deployment(2), service('web'));
  const conditions = () => cluster.store.list('EndpointSlice')[0]!.endpoints.map(one => one.conditions);
  await cluster.makeReady();
  assert.deepEqual(
    conditions().map(one => one.ready),
    [true, true],
  );
  const [slice] = cluster.store.list('EndpointSlice');
  assert.deepEqual(slice!.ports, [{ name: 'http', port: 8080, protocol: 'TCP' }]);
  cluster.controllers.deletePod(cluster.pods()[0]!);
  await cluster.settle();
  const leaving = conditions().find(one => one.terminating);
  assert.deepEqual(leaving, { ready: false, serving: true, terminating: true });
  await cluster.removeTerminated();
  cluster.store.remove(cluster.store.list('Service')[0]!);
  await cluster.settle();
  assert.equal(cluster.store.list('EndpointSlice').length, 0);
});

test('Services get addresses, headless and ExternalName ones do not', async () => {
  const cluster = new TestCluster();
  await cluster.put(
    service('a'),
    service('b', { clusterIP: 'None' }),
    service('c', { type: 'ExternalName', externalName: 'x.org' }),
  );
  const address = (name: string) => cluster.store.get('Service', 'shop', name)?.spec.clusterIP;
  assert.deepEqual([address('a'), address('b'), address('c')], ['10.96.0.16', 'None', undefined]);
});
