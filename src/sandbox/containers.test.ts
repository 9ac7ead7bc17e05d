// Containers as on a node: programs, working directories and file modes from volumes, users, and processes of their own. Needs
// root.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { machineCapabilities, Sandbox } from './index.ts';

const skip = machineCapabilities().reasons.join('; ') || false;
const objects = `
apiVersion: v1
kind: ConfigMap
metadata: {name: scripts}
data:
  start.sh: |
    #!/bin/sh
    echo started $(id -u); trap 'exit 0' TERM
    while :; do sleep 0.1; done
---
apiVersion: v1
kind: Secret
metadata: {name: key}
stringData: {id_rsa: secret}
---
apiVersion: v1
kind: Pod
metadata: {name: script}
spec:
  terminationGracePeriodSeconds: 5
  containers:
    - {name: app, image: x, command: [/scripts/start.sh], volumeMounts: [{name: s, mountPath: /scripts/}, {name: k, mountPath: /keys}]}
  volumes:
    - {name: s, configMap: {name: scripts, defaultMode: 493}}
    - {name: k, secret: {secretName: key, defaultMode: 256}}
---
apiVersion: v1
kind: Pod
metadata: {name: copied}
spec:
  securityContext: {runAsUser: 1234, runAsGroup: 3000, fsGroup: 2000, supplementalGroups: [4000]}
  initContainers:
    - {name: copy, image: x, command: [sh, -c, 'cp /bin/sleep /tools/mysleep && mkdir /tools/deep'], volumeMounts: [{name: t, mountPath: /tools}]}
  containers:
    - {name: app, image: x, command: [/tools/mysleep, '600'], workingDir: /tools/deep, volumeMounts: [{name: t, mountPath: /tools}, {name: k, mountPath: /keys}]}
    - {name: made, image: x, command: [sleep, '600'], workingDir: /tools/not/yet, volumeMounts: [{name: t, mountPath: /tools}]}
  volumes:
    - {name: t, emptyDir: {}}
    - {name: k, secret: {secretName: key, defaultMode: 256}}
  terminationGracePeriodSeconds: 0
---
apiVersion: v1
kind: Pod
metadata: {name: printer}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - {name: app, image: x, command: [sh, -c, 'echo one; echo two >/dev/stdout; echo three >/dev/stderr; whoami; exec sleep 600']}
---
apiVersion: v1
kind: Pod
metadata: {name: rooted}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - {name: app, image: x, securityContext: {runAsUser: 0}, command: [sleep, '600']}
`;

describe('containers of a sandbox', { skip }, () => {
  let folder: string;
  let sandbox: Sandbox;
  const run = async (pod: string, script: string, container?: string): Promise<string> => {
    const { code, output } = await sandbox.exec(pod, ['sh', '-c', script], container);
    return code === 0 ? output : `${output} (${code})`;
  };

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'weft-containers-'));
    writeFileSync(join(folder, 'pods.yaml'), objects);
    sandbox = await Sandbox.up({ dir: folder, name: `cont-${process.pid}` });
    await sandbox.ready();
  });

  after(async () => {
    assert.deepEqual(await sandbox.down(), []);
    rmSync(folder, { recursive: true });
  });

  test('a script of a ConfigMap runs where its mode says so', async () => {
    assert.match(sandbox.logs('default', 'script'), /^started 10001\n/);
    assert.equal(await run('script', 'stat -c %a /scripts/start.sh /keys/id_rsa'), '755\n400');
    // Nobody said whom the app runs as: the key is for whoever it is.
    assert.equal(await run('script', 'cat /keys/id_rsa'), 'secret');
  });

  test('a program that an init container put into a volume runs, in a working directory that it made or that nobody made', async () => {
    const pod = (await sandbox.pods()).find(one => one.name === 'copied')!;
    const [app, made] = ['app', 'made'].map(name => pod.containers.find(one => one.name === name)!.pid!);
    assert.equal(await run('copied', 'cat /proc/1/comm'), 'mysleep');
    assert.match(readlinkSync(`/proc/${app}/cwd`), /\/deep$/);
    assert.match(readlinkSync(`/proc/${made}/cwd`), /\/not\/yet$/);
  });

  test('groups of the pod are those of its processes, and its volumes belong to fsGroup', async () => {
    assert.match(await run('copied', 'id'), /^uid=1234\S* gid=3000\S* groups=3000\S*,2000,4000$/);
    assert.equal(
      await run('copied', "stat -c '%a %g' /tools /keys/id_rsa; cat /keys/id_rsa"),
      '2777 2000\n440 2000\nsecret',
    );
  });

  test('any user may open /dev/stdout, and has a name', () => {
    assert.equal(sandbox.logs('default', 'printer'), 'one\ntwo\nthree\nuser-10001\n');
  });

  test('a container sees and signals its own processes only, as root too, and is number 1', async () => {
    const pids = new Map((await sandbox.pods()).map(pod => [pod.name, pod.containers[0]!.pid]));
    for (const pod of ['printer', 'rooted']) {
      const other = pids.get(pod === 'printer' ? 'rooted' : 'printer')!;
      assert.match(await run(pod, `kill -0 ${other}`), /[Nn]o such process/, pod);
      assert.equal(await run(pod, 'kill -0 1 && cat /proc/1/comm'), 'sleep', pod);
      assert.match(await run(pod, "ls /proc | grep -c '^[0-9]'"), /^[1-6]$/, pod);
    }
  });

  test('a container can be told to end from inside, and from outside with its grace', async () => {
    await run('script', 'kill 1');
    const restarted = async () => (await sandbox.pods()).find(pod => pod.name === 'script')!.restarts === 1;
    for (const limit = performance.now() + 15_000; !(await restarted()); ) {
      assert.ok(performance.now() < limit, 'no restart');
      await new Promise(resolve => setTimeout(resolve, 20));
    }
  });

  test('what the machine has is as it was', () => {
    assert.doesNotMatch(readFileSync('/etc/passwd', 'utf8'), /user-10001|user-1234/);
    assert.doesNotMatch(readFileSync('/proc/self/mounts', 'utf8'), /\/tools /);
  });
});
