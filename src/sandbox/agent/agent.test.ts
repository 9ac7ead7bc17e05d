import assert from 'node:assert/strict';
import { test } from 'node:test';
import { whatIsMissing } from '../client/wait.ts';
import type { Pod } from '../kube/index.ts';
import { TestCluster } from '../testing/cluster.ts';
import { deployment, service, statefulSet } from '../testing/objects.ts';
import { describePod, describeService, describeWorkloads } from './describe.ts';
import { findByName, parseTarget, resolveTarget } from './targets.ts';
import type { SandboxView } from './view.ts';

async function cluster(): Promise<TestCluster> {
  const made = new TestCluster();
  await made.put(deployment(2), service('web'), statefulSet(1));
  await made.makeReady();
  return made;
}

function view({ store }: TestCluster): SandboxView {
  return {
    name: 'a',
    dir: '/a',
    mode: 'namespaces',
    version: '0',
    startedAt: '',
    agentPid: 1,
    pods: store.list('Pod').map(pod => describePod(pod, store, '/logs', 'weft-a.')),
    workloads: describeWorkloads(store),
    services: store.list('Service').map(one => describeService(one, store, [])),
    problems: [],
    events: [],
  };
}

test('a pod is said to belong to its Deployment, also when its ReplicaSet is gone', async () => {
  const { store, ...rest } = await cluster();
  const made = { store, ...rest } as TestCluster;
  const web = view(made).pods.filter(pod => pod.workload === 'web');
  assert.deepEqual(
    web.map(pod => pod.workloadKind),
    ['Deployment', 'Deployment'],
  );
  for (const set of store.list('ReplicaSet')) store.remove(set);
  assert.equal(view(made).pods.filter(pod => pod.workload === 'web').length, 2);
});

test('waiting ends when every pod is ready and no rollout is under way, and says what is missing before', async () => {
  const made = await cluster();
  assert.equal(whatIsMissing(view(made), {}), undefined);
  await made.put(deployment(2, 'v2'));
  assert.match(whatIsMissing(view(made), {})!, /pod shop\/web-/);
  assert.equal(whatIsMissing(view(made), { workload: 'sts/db' }), undefined);
  await made.makeReady();
  await made.makeReady();
  // The old pods are still stopping.
  assert.match(
    whatIsMissing(view(made), { workload: 'deploy/web' })!,
    /Deployment web: 2 of 2 ready, 2 of the newest version, [34] in all/,
  );
  await made.removeTerminated();
  assert.equal(whatIsMissing(view(made), {}), undefined);
});

test('a rollout counts as under way from the moment it is asked for', async () => {
  const made = await cluster();
  made.store.put(deployment(2, 'v2'));
  assert.match(whatIsMissing(view(made), {})!, /0 of the newest version/);
});

test('a crashing container is shown with its exit code, its last words and what to type', async () => {
  const made = await cluster();
  const sick = made.store.get('Pod', 'shop', 'db-0')!;
  const at = '2026-01-01T00:00:00Z';
  const terminated = { exitCode: 3, reason: 'Error', message: 'one\ntwo', startedAt: at, finishedAt: at };
  const waiting = { reason: 'CrashLoopBackOff' };
  const container = {
    name: 'app',
    image: '',
    ready: false,
    started: false,
    restartCount: 4,
    state: { waiting },
    lastState: { terminated },
  };
  made.store.put({ ...sick, status: { phase: 'Running', containerStatuses: [container] } } as Pod);
  const text = whatIsMissing(view(made), {})!;
  assert.match(
    text,
    /container app: CrashLoopBackOff, last exit code 3: one \| two; see weft sandbox logs db-0 -c app/,
  );
  assert.equal(
    view(made).pods.find(pod => pod.name === 'db-0')!.containers[0]!.log,
    '/logs/shop/db-0/app.4.log',
  );
});

test('targets are found by name where that is enough, and asked back where it is not', async () => {
  const { store } = await cluster();
  assert.deepEqual(parseTarget('svc/web', store), { kind: 'svc', namespace: 'shop', name: 'web' });
  assert.deepEqual(parseTarget('pod/other/x', store), { kind: 'pod', namespace: 'other', name: 'x' });
  assert.match(
    (parseTarget('svc/nope', store) as { problem: string }).problem,
    /there is no Service named nope; there are: web/,
  );
  assert.match(
    (parseTarget('job/x', store) as { problem: string }).problem,
    /neither svc\/NAME nor pod\/NAME/,
  );
  store.put({ ...service('web'), metadata: { name: 'web', namespace: 'two', uid: 'x' } });
  assert.match(
    (findByName(store, 'Service', 'web') as { problem: string }).problem,
    /in several namespaces \(shop, two\)/,
  );
});

test('a Service is reached at its ready pods in turn, and says so when there is none', async () => {
  const made = await cluster();
  const wanted = { kind: 'svc', namespace: 'shop', name: 'web', port: 80 } as const;
  const hosts = [0, 1, 2].map(turn => (resolveTarget(made.store, wanted, turn) as { host: string }).host);
  assert.equal(new Set(hosts).size, 2);
  assert.equal(hosts[0], hosts[2]);
  assert.match(
    (resolveTarget(made.store, { ...wanted, port: 81 }, 0) as { problem: string }).problem,
    /has no port 81; it has 80/,
  );
  for (const pod of made.pods()) await made.setReady(pod, false);
  assert.match(
    (resolveTarget(made.store, wanted, 0) as { problem: string }).problem,
    /no endpoint of svc\/web of namespace shop is ready/,
  );
});
