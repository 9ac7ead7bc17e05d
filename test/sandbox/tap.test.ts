// weft tap and weft top against a sandbox, as programs: what goes through real proxies is on the screen. Needs root.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, type TestContext, test } from 'node:test';
import type { TappedRequest } from '../../src/cli/live/join.ts';
import { machineCapabilities, Sandbox, takeDown } from '../../src/sandbox/index.ts';

const skip = machineCapabilities().reasons.join('; ') || false;
const name = `tap-${process.pid}`;
const weft = join(import.meta.dirname, '../../src/main/weft.ts');

/** A command that runs, with the lines that it has printed so far. */
interface Running {
  readonly child: ChildProcess;
  readonly out: string[];
  readonly said: string[];
  /** Resolves with the lines of stdout at its end. */
  readonly ended: Promise<string[]>;
  /** Resolves once a line of stderr fits. */
  until(words: RegExp): Promise<void>;
}

function run(context: TestContext, ...args: string[]): Running {
  const child = spawn(process.execPath, [weft, ...args, '--sandbox', name], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  context.after(() => child.kill('SIGKILL'));
  const [out, said]: [string[], string[]] = [[], []];
  let check: () => void = () => {};
  createInterface({ input: child.stdout! }).on('line', line => out.push(line));
  createInterface({ input: child.stderr! }).on('line', line => {
    said.push(line);
    check();
  });
  return {
    ...{ child, out, said },
    ended: once(child, 'close').then(() => out),
    until: words =>
      new Promise((resolve, reject) => {
        child.once('close', () => reject(new Error(`it ended: ${said.join('\n')}`)));
        check = () => {
          if (said.some(line => words.test(line))) resolve();
        };
        check();
      }),
  };
}

describe('live requests of a sandbox', { skip }, () => {
  let folder: string;
  let sandbox: Sandbox;

  const ask = async (path: string): Promise<string> => {
    const url = encodeURIComponent(`http://echo${path}`);
    const { body } = await sandbox.fetch('pod/web', `/ask?url=${url}`, { port: 8080 });
    return body;
  };

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'weft-tap-'));
    cpSync(import.meta.dirname, folder, { recursive: true });
    sandbox = await Sandbox.up({ dir: join(folder, 'mesh'), name });
    await sandbox.ready({ timeoutMs: 60_000 });
    for (const limit = performance.now() + 20_000; !(await ask('/')).startsWith('echo-'); )
      assert.ok(performance.now() < limit, 'web never reached echo');
  });
  after(async () => {
    await takeDown(name);
    rmSync(folder, { recursive: true, force: true });
  });

  test('a request is one line with what both of its proxies saw, and secrets in its query are left out', async context => {
    const tap = run(context, 'tap', '-n', 'inside', '--path', '/tapped', '-o', 'json', '--count', '2');
    await tap.until(/^3 proxies connected to weft-injector-\S+ are asked$/);
    await ask('/passed-over');
    await ask('/tapped/1?token=abc&page=2');
    await ask('/file?path=/tapped');
    await ask('/tapped/2');
    const requests = (await tap.ended).map(line => JSON.parse(line) as TappedRequest);
    assert.equal(requests.length, 2, tap.said.join('\n'));
    const [{ client, server }] = requests as [TappedRequest];
    assert.ok(client && server, 'both sides of the hop');
    assert.equal(client.id, server.id);
    assert.equal(client.path, '/tapped/1?token=[redacted]&page=2');
    assert.deepEqual([client.status, server.status, client.method], [200, 200, 'GET']);
    assert.equal(client.source.pod, 'inside/web');
    assert.equal(client.source.workload, 'inside/web');
    assert.equal(client.destination.workload, 'inside/echo');
    assert.equal(client.destination.host, 'echo.inside.svc.cluster.local:80');
    assert.equal(server.source.principal, 'spiffe://cluster.local/ns/inside/sa/web');
    assert.equal(client.destination.pod, server.destination.pod);
    assert.ok(client.durationMs >= server.durationMs);
  });

  test('filters are those of the proxies: by caller, callee, status and side', async context => {
    const failed = run(context, 'tap', 'svc/echo', '-n', 'inside', '--from', 'pod/web', '--status', '5xx');
    const out = run(
      context,
      'tap',
      'pod/web',
      '-n',
      'inside',
      '--to',
      'svc/echo',
      '--direction',
      'outbound',
      '-o',
      'json',
      '--count',
      '1',
    );
    await Promise.all([failed.until(/2 proxies/), out.until(/1 proxy/)]);
    await ask('/fine');
    await ask('/file?path=/nowhere');
    const [line] = await out.ended;
    const request = JSON.parse(line!) as TappedRequest;
    assert.deepEqual([request.server, request.client?.path], [undefined, '/fine']);
    while (failed.out.length < 2) await new Promise(resolve => setTimeout(resolve, 20));
    failed.child.kill('SIGINT');
    const [head, row] = await failed.ended;
    assert.match(head!, /^TIME +SOURCE +DESTINATION +STATUS +LATENCY +METHOD +PATH$/);
    assert.match(row!, /^[\d:.]{12} +inside\/web +inside\/echo +500 +\S+ms +GET +\/file\?path=\/nowhere$/);
    assert.equal(failed.out.length, 2);
  });

  test('top counts what is alike, with ids as one', async context => {
    const top = run(context, 'top', '-n', 'inside', '--for', '4s');
    await top.until(/3 proxies/);
    for (const path of ['/orders/1', '/orders/2', '/orders/3', '/file?path=/nowhere']) await ask(path);
    const [head, ...rows] = await top.ended;
    assert.match(head!, /^SOURCE +DESTINATION +METHOD +PATH +COUNT +BEST +WORST +LAST +SUCCESS$/);
    const orders = rows.find(row => row.includes('/orders/*'));
    assert.match(orders ?? rows.join('\n'), /^inside\/web +inside\/echo +GET +\/orders\/\* +3 .* 100\.00%$/);
    assert.match(rows.find(row => row.includes('/file')) ?? '', / 1 .* 0\.00%$/);
  });

  test('policies are proposed from what is seen, and allow it', async context => {
    const suggest = run(context, 'authz', 'suggest', '-n', 'inside', '--for', '8s', '--at-least', '5');
    await suggest.until(/3 proxies/);
    for (let i = 0; i < 6; i++) await ask(`/orders/${i}/lines`);
    const yaml = (await suggest.ended).join('\n');
    assert.equal(suggest.child.exitCode, 0, suggest.said.join('\n'));
    assert.match(yaml, /principals: \[cluster\.local\/ns\/inside\/sa\/web\]/);
    assert.match(yaml, /ports: \["8080"\]\n +methods: \[GET\]\n +paths: \[.*"\/orders\/\{\*\}\/lines"/);
    // The test asks web from outside the mesh.
    assert.match(yaml, /# inside\/web: nothing that could be allowed was seen: \d+ came in plaintext/);
    assert.match(yaml, /# proven: all \d+ requests and connections/);
  });

  test('what cannot be read is refused in words, before anything is asked', async context => {
    for (const [args, words] of [
      [['tap', '--status', 'bad'], /^error: 'bad' is no status; write 404, 5xx or failed$/],
      [['tap', 'queue/web'], /^error: 'queue\/web' names no pods; write pod\/NAME/],
      [['tap', '--header', 'authorization=Bearer x'], /^error: the value of authorization is secret/],
      [['tap', '--from', 'deploy/nobody'], /^error: no pod is \/deploy\/nobody now/],
    ] as const) {
      const refused = run(context, ...args);
      await refused.ended;
      assert.match(refused.said.join('\n'), words);
      assert.equal(refused.child.exitCode, 1);
    }
  });

  test('a tap that nobody reads costs its proxy nothing that grows, and the next one hears at once', async context => {
    const idle = run(context, 'tap', '-n', 'inside');
    await idle.until(/3 proxies/);
    idle.child.kill('SIGSTOP');
    for (let i = 0; i < 50; i++) await ask(`/unread/${i}`);
    const next = run(context, 'tap', '-n', 'inside', '-o', 'json', '--count', '1');
    await next.until(/3 proxies/);
    await ask('/read');
    assert.equal((JSON.parse((await next.ended)[0]!) as TappedRequest).client?.path, '/read');
    idle.child.kill('SIGCONT');
    while (idle.out.length < 51) await new Promise(resolve => setTimeout(resolve, 20));
  });

  test('a tap goes on when the control plane is replaced', async context => {
    const tap = run(context, 'tap', '-n', 'inside', '--path', '/after', '-o', 'json', '--count', '1');
    await tap.until(/3 proxies/);
    const [pod] = (await sandbox.pods()).filter(each => each.workload === 'weft-injector');
    await sandbox.deletePod(`pod/weft-system/${pod!.name}`);
    await tap.until(/^asking anew: /);
    const again = setInterval(() => void ask('/after').catch(() => {}), 500);
    context.after(() => clearInterval(again));
    assert.equal((await tap.ended).length, 1, tap.said.join('\n'));
  });
});
