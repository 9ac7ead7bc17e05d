// `weft-proxy wait` as a process, against servers that answer, do not, or stop in the middle.
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';

const program = join(import.meta.dirname, 'weft-proxy.ts');

function wait(...flags: string[]): Promise<{ code: number; words: string; tookMs: number }> {
  const startMs = performance.now();
  return new Promise(resolve => {
    execFile(process.execPath, [program, 'wait', ...flags], (error, _, words) =>
      resolve({ code: Number(error?.code ?? 0), words, tookMs: performance.now() - startMs }),
    );
  });
}

async function proxy(context: TestContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  return String((server.address() as AddressInfo).port);
}

test('waits until the proxy is ready, and ends then although the proxy would keep the connection', async context => {
  let asked = 0;
  const port = await proxy(context, (_, response) => {
    if (++asked < 4) response.writeHead(503).end('no certificate yet');
    else response.end('ready');
  });
  const { code, tookMs } = await wait('--health-port', port);
  assert.equal(code, 0);
  assert.equal(asked, 4);
  assert.ok(tookMs < 4_000, `${tookMs} ms: a kept connection would be five seconds`);
});

test('says after its time what the proxy said last', async context => {
  const port = await proxy(context, (_, response) => response.writeHead(503).end('no certificate yet\n'));
  const { code, words } = await wait('--health-port', port, '--timeout', '0.3');
  assert.deepEqual(
    [code, words],
    [1, 'weft-proxy wait: the proxy is not ready after 0.3 s: no certificate yet\n'],
  );
});

test('an answer that stops in the middle, and nobody there, are reasons and no crash', async context => {
  const port = await proxy(context, (_, response) => {
    response.writeHead(200, { 'content-length': '100' }).write('half');
  });
  const stopped = await wait('--health-port', port, '--timeout', '0.5');
  assert.equal(stopped.code, 1);
  assert.match(stopped.words, /^weft-proxy wait: the proxy is not ready after 0.5 s: (aborted|no answer)/);
  const nobody = await wait('--health-port', '1', '--timeout', '0.2');
  assert.equal(nobody.code, 1);
  assert.match(nobody.words, /: connect ECONNREFUSED 127\.0\.0\.1:1\n$/);
});

test('a flag that makes no sense is named with what it takes', async () => {
  assert.match((await wait('--timeout', 'soon')).words, /--timeout is 'soon'; it takes seconds above 0/);
  assert.match(
    (await wait('--health-port', '99999')).words,
    /--health-port is '99999'; it takes a port, 1 to 65535/,
  );
});

test('a command of weft-proxy that does not exist is an error, with --help too', () => {
  for (const args of [['bogus'], ['bogus', '--help']]) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' });
    assert.deepEqual([status, stdout], [1, ''], args.join(' '));
    assert.match(stderr, /unknown command 'bogus'/);
  }
  assert.equal(spawnSync(process.execPath, [program, 'wait', '--help'], { encoding: 'utf8' }).status, 0);
});
