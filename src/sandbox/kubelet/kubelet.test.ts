// Pods as real processes, on loopback addresses, so that it runs anywhere and as any user.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../time/index.ts';
import { type ConfigMap, EventLog, isPodReady, ObjectStore, type Pod, type PodSpec } from '../kube/index.ts';
import { LoopbackNetwork } from '../network/index.ts';
import { Kubelet } from './kubelet.ts';

interface Setup {
  readonly store: ObjectStore;
  readonly events: EventLog;
  readonly folder: string;
  run(spec: PodSpec): void;
  /** Resolves when the store is as `what` says. */
  until(what: (pod: Pod | undefined) => boolean): Promise<Pod | undefined>;
  remove(graceSeconds: number): void;
  /** Lines that the pod's processes wrote. */
  notes(): string[];
}

function setUp(context: TestContext): Setup {
  const folder = mkdtempSync(join(tmpdir(), 'weft-kubelet-'));
  const store = new ObjectStore();
  const events = new EventLog(systemClock);
  const kubelet = new Kubelet({
    store,
    events,
    clock: systemClock,
    network: new LoopbackNetwork(200),
    podsDir: join(folder, 'pods'),
    logsDir: join(folder, 'logs'),
    baseDir: folder,
    pathMap: new Map(),
    programOf: () => undefined,
    programsDir: folder,
    holdBack: () => Promise.resolve(),
    issueToken: () => Promise.resolve('token'),
    resolvConf: () => '',
    readAnywhere: false,
    baseEnv: { PATH: process.env.PATH ?? '', NOTES: join(folder, 'notes') },
  });
  kubelet.start();
  const find = (): Pod | undefined => store.get('Pod', 'shop', 'p');
  const until = (what: (pod: Pod | undefined) => boolean): Promise<Pod | undefined> =>
    new Promise(resolve => {
      const look = (): void => {
        if (!what(find())) return;
        stop();
        resolve(find());
      };
      const stop = store.onChange(look);
      look();
    });
  const remove = (graceSeconds: number): void => {
    const pod = find();
    if (!pod) return;
    store.put({
      ...pod,
      metadata: { ...pod.metadata, deletionTimestamp: 'now', deletionGracePeriodSeconds: graceSeconds },
    } as Pod);
  };
  const alive = setInterval(() => {}, 1000);
  context.after(async () => {
    remove(0);
    await until(pod => pod === undefined);
    clearInterval(alive);
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    store,
    events,
    folder,
    run: spec =>
      store.put({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'p', namespace: 'shop', uid: 'uid-p' },
        spec,
      } as Pod),
    until,
    remove,
    notes: () =>
      existsSync(join(folder, 'notes'))
        ? readFileSync(join(folder, 'notes'), 'utf8').trimEnd().split('\n')
        : [],
  };
}

/** A container that notes its start and its end, and ends when told. */
function stays(name: string) {
  const script = `trap 'echo ${name} ends >>$NOTES; exit 0' TERM; echo ${name} starts >>$NOTES; touch $NOTES.${name}; while :; do sleep 0.02; done`;
  return { name, command: ['sh', '-c', script] };
}

function ends(name: string, code = 0) {
  return { name, command: ['sh', '-c', `echo ${name} >>$NOTES; exit ${code}`] };
}

test('init containers run one after the other, sidecars stay beside the app and end after it, last first', async context => {
  const { run, until, notes } = setUp(context);
  const started = (name: string) => ({
    startupProbe: { exec: { command: ['sh', '-c', `test -e $NOTES.${name}`] }, periodSeconds: 1 },
  });
  run({
    restartPolicy: 'Never',
    initContainers: [
      ends('init-1'),
      { ...stays('side-1'), ...started('side-1'), restartPolicy: 'Always' },
      ends('init-2'),
      { ...stays('side-2'), ...started('side-2'), restartPolicy: 'Always' },
    ],
    containers: [ends('app')],
  });
  const pod = await until(one => one?.status?.phase === 'Succeeded');
  assert.deepEqual(notes(), [
    'init-1',
    'side-1 starts',
    'init-2',
    'side-2 starts',
    'app',
    'side-2 ends',
    'side-1 ends',
  ]);
  assert.equal(pod!.status!.containerStatuses![0]!.state.terminated!.exitCode, 0);
});

test('a postStart hook holds back the containers behind it', async context => {
  const { run, until, notes } = setUp(context);
  const postStart = { exec: { command: ['sh', '-c', 'sleep 0.2; echo hook >>$NOTES'] } };
  run({ containers: [{ ...stays('first'), lifecycle: { postStart } }, stays('second')] });
  await until(pod => pod !== undefined && isPodReady(pod));
  assert.deepEqual(notes().slice(0, 2), ['first starts', 'hook']);
});

test('deleting a pod runs its preStop hook, then SIGTERM, and then it is gone', async context => {
  const { run, until, notes, remove } = setUp(context);
  const preStop = { exec: { command: ['sh', '-c', 'echo pre-stop >>$NOTES'] } };
  const exec = { command: ['sh', '-c', 'test -e $NOTES.app'] };
  run({
    containers: [{ ...stays('app'), lifecycle: { preStop }, readinessProbe: { exec, periodSeconds: 1 } }],
  });
  await until(pod => pod !== undefined && isPodReady(pod));
  remove(10);
  await until(pod => pod === undefined);
  assert.deepEqual(notes(), ['app starts', 'pre-stop', 'app ends']);
});

test('a pod that ignores SIGTERM is killed when its grace period is over', async context => {
  const { run, until, remove } = setUp(context);
  const script = "trap 'echo refused >>$NOTES' TERM; touch $NOTES.app; while :; do sleep 0.02; done";
  const exec = { command: ['sh', '-c', 'test -e $NOTES.app'] };
  run({
    containers: [{ name: 'app', command: ['sh', '-c', script], readinessProbe: { exec, periodSeconds: 1 } }],
  });
  await until(pod => pod !== undefined && isPodReady(pod));
  remove(1);
  const pod = await until(one => one?.status?.containerStatuses?.[0]?.state.terminated !== undefined);
  assert.equal(pod!.status!.containerStatuses![0]!.state.terminated!.signal, 'SIGKILL');
  await until(one => one === undefined);
});

test('an init container that fails for good fails the pod, and says which', async context => {
  const { run, until, notes } = setUp(context);
  run({ restartPolicy: 'Never', initContainers: [ends('init', 4)], containers: [ends('app')] });
  const pod = await until(one => one?.status?.phase === 'Failed');
  assert.equal(pod!.status!.message, 'init container init exited with code 4');
  assert.deepEqual(notes(), ['init']);
});

test('a pod waits for what its volumes need, and follows it when it changes', async context => {
  const { run, until, store, events, folder } = setUp(context);
  run({
    containers: [
      {
        ...stays('app'),
        env: [{ name: 'FILE', value: '/settings/color' }],
        volumeMounts: [{ name: 'v', mountPath: '/settings' }],
      },
    ],
    volumes: [{ name: 'v', configMap: { name: 'settings' } }],
  });
  const map = (color: string): ConfigMap => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'settings', namespace: 'shop' },
    data: { color },
  });
  await new Promise<void>(
    resolve => void events.onEvent(event => event.reason === 'FailedMount' && resolve()),
  );
  assert.match(events.list()[0]!.message, /volume v needs ConfigMap settings/);
  store.put(map('blue'));
  await until(pod => pod !== undefined && isPodReady(pod));
  const file = join(folder, 'pods/uid-p/volumes/v/color');
  assert.equal(readFileSync(file, 'utf8'), 'blue');
  store.put(map('green'));
  while (readFileSync(file, 'utf8') !== 'green') await new Promise(resolve => setImmediate(resolve));
});

test('a container without a command is a problem that is shown, not a crash', async context => {
  const { run, until } = setUp(context);
  run({ containers: [{ name: 'app', image: 'nginx' }] });
  const pod = await until(
    one => one?.status?.containerStatuses?.[0]?.state.waiting?.reason === 'CreateContainerConfigError',
  );
  assert.match(pod!.status!.containerStatuses![0]!.state.waiting!.message!, /has no command/);
});
