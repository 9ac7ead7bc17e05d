import assert from 'node:assert/strict';
import { test } from 'node:test';
import { missingLines, whatIsMissing } from '../client/wait.ts';
import type { Pod } from '../kube/index.ts';
import { TestCluster } from '../testing/cluster.ts';
import { deployment, service, statefulSet } from '../testing/objects.ts';
import { describePod, describeService, describeWorkloads } from './describe.ts';
import { findNamed, findPod, findReachable, resolveTarget } from './targets.ts';
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
    /Deployment shop\/web: 2 of 2 ready, 2 of the newest version, [34] in all/,
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
    /container app: CrashLoopBackOff, last exit code 3: one \| two; see weft sandbox logs shop\/db-0 -c app/,
  );
  assert.equal(
    view(made).pods.find(pod => pod.name === 'db-0')!.containers[0]!.log,
    '/logs/shop/db-0/app.4.log',
  );
});

test('what is reached is a Service, a pod, or one of the pods of a workload; never a guess', async () => {
  const { store } = await cluster();
  const reached = (text: string) => {
    const found = findReachable(text, store);
    return 'problem' in found ? found.problem : `${found.kind}/${found.namespace}/${found.name}`;
  };
  assert.equal(reached('svc/web'), 'svc/shop/web');
  assert.equal(reached('pod/db-0'), 'pod/shop/db-0');
  assert.match(reached('deploy/web'), /^pod\/shop\/web-/);
  assert.match(reached('svc/nope'), /there is no Service named nope; see weft sandbox status/);
  store.put({ ...service('web'), metadata: { name: 'web', namespace: 'two', uid: 'x' } });
  assert.match(reached('svc/web'), /svc\/web can be service\/shop\/web, service\/two\/web; name it in full/);
  assert.equal(reached('svc/two/web'), 'svc/two/web');
});

test('a pod that ends makes way for one that lives when a workload is named', async () => {
  const { store } = await cluster();
  const [first] = store.list('Pod').filter(pod => pod.metadata.name.startsWith('web-'));
  store.put({ ...first!, metadata: { ...first!.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } });
  const found = findPod('web', store);
  assert.ok('pod' in found && found.pod.metadata.name !== first!.metadata.name);
  assert.deepEqual(findNamed('web', store, ['Deployment']), {
    kind: 'Deployment',
    namespace: 'shop',
    name: 'web',
  });
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

test('who is waited for is said with the reason: a probe, the container before, a volume', async () => {
  const made = await cluster();
  const [web] = view(made).pods.filter(pod => pod.workload === 'web');
  const lines = (more: object, containers: object[]) => {
    const pod = { ...web!, ready: false, ...more, containers } as typeof web;
    return missingLines({ ...view(made), workloads: [], pods: [pod!] })[0]!;
  };
  const container = { name: 'app', init: false, ready: false, restarts: 0, state: 'Running', log: '' };
  assert.match(
    lines({}, [{ ...container, message: 'HTTP 503' }]),
    /container app: running, but not ready: HTTP 503;/,
  );
  const proxy = { ...container, name: 'weft-proxy', ready: true };
  assert.match(
    lines({}, [proxy, { ...container, state: 'PodInitializing' }]),
    /container app waits for weft-proxy to have started \(its postStart hook\)$/,
  );
  const migrate = { ...container, name: 'migrate', init: true };
  assert.match(lines({}, [migrate]), /container migrate: runs, and the others wait for it/);
  assert.match(
    lines({ reason: 'Pending', warning: 'volume v needs ConfigMap settings' }, []),
    /: Pending: volume v needs ConfigMap settings$/,
  );
});
