// Hooks and probes of a pod in the mesh beside those of a plain pod with the same spec: hooks run to their end however long they
// take within the grace period, redirects are followed as the kubelet follows them. Needs root; leaves nothing behind.
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
const name = `hooks-${process.pid}`;

// The hook takes longer than a probe's time limit of one second, which hooks have not.
const server = `
import { createServer } from 'node:http';
const redirects = { '/to-ready': '/ready', '/to-broken': '/broken', '/elsewhere': 'http://elsewhere.invalid/' };
createServer((request, response) => {
  if (redirects[request.url]) response.writeHead(302, { location: redirects[request.url] }).end();
  else if (request.url === '/broken') response.writeHead(500).end();
  else if (request.url === '/slow-end') {
    console.log('hook begins');
    response.on('close', () => console.log(response.writableFinished ? 'hook ends' : 'hook is cut'));
    setTimeout(() => response.end(), 2500);
  } else response.end('ok');
}).listen(8080, '::');
process.on('SIGTERM', () => {
  console.log('told to end');
  process.exit(0);
});
`;

const pod = (namespace: string, podName: string, path: string): string => `
apiVersion: v1
kind: Pod
metadata: { name: ${podName}, namespace: ${namespace} }
spec:
  terminationGracePeriodSeconds: 30
  containers:
    - name: app
      image: app
      command: [node, server.ts]
      ports: [{ name: http, containerPort: 8080 }]
      readinessProbe: { httpGet: { path: ${path}, port: http }, periodSeconds: 1 }
      lifecycle: { preStop: { httpGet: { path: /slow-end, port: http } } }
---
`;
const both = ['plain', 'meshed'] as const;
const objects = `
apiVersion: v1
kind: Namespace
metadata: { name: meshed, labels: { weft.dev/inject: enabled } }
---
${both.map(each => pod(each, 'elsewhere', '/elsewhere') + pod(each, 'broken', '/to-broken')).join('')}`;

describe('hooks and probes beside those of a plain pod', { skip }, () => {
  let folder: string;
  let sandbox: Sandbox;
  const events: SandboxEvent[] = [];
  const watching = new AbortController();

  const find = async (namespace: string, podName: string): Promise<PodView | undefined> =>
    (await sandbox.pods()).find(each => each.namespace === namespace && each.name === podName);
  const until = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
    for (const limit = performance.now() + 60_000; !(await holds()); ) {
      if (performance.now() > limit)
        assert.fail(`not within 60 s: ${what}\n${JSON.stringify(events.slice(-30), undefined, 1)}`);
      await new Promise(resolve => setTimeout(resolve, 50));
    }
  };

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'weft-hooks-'));
    mkdirSync(join(folder, 'mesh'));
    writeFileSync(join(folder, 'mesh', 'server.ts'), server);
    writeFileSync(join(folder, 'mesh', 'objects.yaml'), objects);
    sandbox = await Sandbox.up({ dir: join(folder, 'mesh'), name });
    sandbox.events(event => events.push(event), watching.signal).catch(() => {});
  });
  after(async () => {
    watching.abort();
    await takeDown(name);
    rmSync(folder, { recursive: true, force: true });
  });

  test('a preStop request runs to its end, and only then the app is told to end', async () => {
    for (const namespace of both) await sandbox.apply(namespace, pod(namespace, 'hooked', '/to-ready'));
    const logs: Record<string, readonly string[]> = {};
    for (const namespace of both) {
      await until(`${namespace} ready`, async () => (await find(namespace, 'hooked'))?.ready === true);
      assert.equal((await find(namespace, 'hooked'))!.meshed, namespace === 'meshed');
      await sandbox.unapply(namespace);
      await until(`${namespace} gone`, async () => (await find(namespace, 'hooked')) === undefined);
      logs[namespace] = sandbox.logs(namespace, 'hooked', 'app').trim().split('\n');
    }
    const expected = ['hook begins', 'hook ends', 'told to end'];
    assert.deepEqual(logs, { plain: expected, meshed: expected });
    assert.ok(!events.some(each => each.reason === 'FailedPreStopHook'));
  });

  test('a redirect on the same host is followed to its end, one that leaves it is success', async () => {
    for (const namespace of both) {
      await until(`${namespace} ready`, async () => (await find(namespace, 'elsewhere'))?.ready === true);
      const isTold = ({ message, ...event }: SandboxEvent): boolean =>
        JSON.stringify(event).includes(`${namespace}/broken`) && /500/.test(message);
      await until(`${namespace} told of 500`, async () => events.some(isTold));
      assert.equal((await find(namespace, 'broken'))!.ready, false);
    }
  });
});
