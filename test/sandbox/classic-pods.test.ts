// What a pod without native sidecars needs of its proxy, in a sandbox with real processes: a Job ends with its app, and one
// scrape of the proxy has the app's metrics. Needs root; leaves nothing behind.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  machineCapabilities,
  type PodView,
  Sandbox,
  type SandboxEvent,
  takeDown,
} from '../../src/sandbox/index.ts';

const skip = machineCapabilities().reasons.join('; ') || false;
const name = `classic-${process.pid}`;

const server = `
import { createServer } from 'node:http';
createServer((request, response) => response.end(request.url === '/m' ? 'app_orders_total 7\\n' : 'ok')).listen(8080, '::');
`;
const objects = `
apiVersion: v1
kind: Namespace
metadata: { name: shop, labels: { weft.dev/inject: enabled } }
---
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
  annotations: { prometheus.io/scrape: 'true', prometheus.io/port: '8080', prometheus.io/path: /m }
spec:
  containers:
    - { name: app, image: app, command: [node, server.ts], ports: [{ containerPort: 8080 }] }
`;
const job = (jobName: string, script: string) => `
apiVersion: batch/v1
kind: Job
metadata: { name: ${jobName}, namespace: shop }
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      containers: [{ name: app, image: app, command: [node, -e, '${script}'] }]
`;

describe('pods without native sidecars', { skip }, () => {
  let folder: string;
  let sandbox: Sandbox;
  const events: SandboxEvent[] = [];
  const watching = new AbortController();

  const podOf = async (workload: string): Promise<PodView | undefined> =>
    (await sandbox.pods()).find(pod => pod.workload === workload || pod.name.startsWith(workload));
  /** For the failure that nobody can repeat. */
  const state = async (): Promise<string> =>
    JSON.stringify({ pods: await sandbox.pods(), events: events.slice(-30) }, undefined, 1);
  const until = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
    for (const limit = performance.now() + 60_000; !(await holds()); ) {
      if (performance.now() > limit) assert.fail(`not within 60 s: ${what}\n${await state()}`);
      await new Promise(resolve => setTimeout(resolve, 50));
    }
  };

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'weft-classic-'));
    mkdirSync(join(folder, 'mesh'));
    writeFileSync(join(folder, 'mesh', 'server.ts'), server);
    writeFileSync(join(folder, 'mesh', 'objects.yaml'), objects);
    sandbox = await Sandbox.up({ dir: join(folder, 'mesh'), name, sidecar: 'classic' });
    await sandbox.ready({ timeoutMs: 60_000 });
    sandbox.events(event => events.push(event), watching.signal).catch(() => {});
  });
  after(async () => {
    watching.abort();
    await takeDown(name);
    rmSync(folder, { recursive: true, force: true });
  });

  test('a Job ends with its app, whatever its code', async () => {
    for (const [jobName, script, phase] of [
      ['good', 'setTimeout(() => {}, 300)', 'Succeeded'],
      ['bad', 'setTimeout(() => process.exit(3), 300)', 'Failed'],
    ] as const) {
      await sandbox.apply(jobName, job(jobName, script));
      await until(
        'the app to end',
        async () =>
          (await podOf(jobName))?.containers.find(each => each.name === 'app')?.exitCode !== undefined,
      );
      // The sandbox's kubelet has no grace to give: without word of the end the pod would stay for ever.
      await until('the pod to end', async () => (await podOf(jobName))?.phase === phase);
      const proxy = (await podOf(jobName))!.containers.find(each => each.name === 'weft-proxy');
      assert.equal(proxy!.exitCode, 0);
    }
  });

  test('one scrape has the proxy’s metrics and the app’s', async () => {
    const { body } = await sandbox.fetch('pod/web', '/stats/prometheus', { port: 15020 });
    assert.match(body, /^weft_build_info\{/m);
    assert.match(body, /^weft_app_metrics_up 1$/m);
    assert.match(body, /^app_orders_total 7$/m);
  });
});
