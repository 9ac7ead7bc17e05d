import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createHttp1 } from 'node:http';
import { createServer as createHttp2, type Http2Session } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { readResult } from './load-result.ts';

/** What an app does with a request: answers it with a status, or breaks off what it came on. */
type App = (answer: (status: number) => void, breakOff: () => void) => void;

const http1 = (app: App) =>
  createHttp1((request, response) =>
    app(
      status => response.writeHead(status).end('ok'),
      () => request.socket.destroy(),
    ),
  );
const http2 = (app: App) =>
  createHttp2((request, response) =>
    app(
      status => response.writeHead(status).end('ok'),
      () => request.stream.close(2),
    ),
  );

async function listening(context: TestContext, server: ReturnType<typeof http1 | typeof http2>) {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function run(port: number, ...flags: string[]): ReturnType<typeof parse> {
  const program = [`${import.meta.dirname}/open-loop.ts`, '--url', `http://127.0.0.1:${port}/`, ...flags];
  return parse((await promisify(execFile)(process.execPath, program)).stdout);
}
const parse = async (printed: string): Promise<ReturnType<typeof readResult>> => readResult(printed);

for (const [name, serve, flags, connections] of [
  ['HTTP/1', http1, [], '120'],
  ['HTTP/2', http2, ['--http2'], '2'],
] as const) {
  test(`${name}: a server that stands still is felt by every request that was due meanwhile`, async context => {
    const held: (() => void)[] = [];
    const heldMs: number[] = [];
    let seen = 0;
    const server = serve(answer => {
      seen++;
      // From the 50th request on nothing is answered until the 150th has come: a closed loop of 8 connections would never get
      // there.
      if (seen < 50 || seen > 150) answer(200);
      else {
        const sinceMs = performance.now();
        held.push(() => {
          heldMs.push(performance.now() - sinceMs);
          answer(200);
        });
      }
      if (seen === 150) for (const each of held) each();
    });
    const port = await listening(context, server);
    const result = await run(port, ...flags, '--rate', '200', '--seconds', '1', '--connections', connections);
    assert.equal(result.count, 200);
    assert.equal(result.errors, 0);
    // Up to half a second where the machine has the time, and each is felt for as long as it was held: p90 is the twentieth from
    // the top.
    heldMs.sort((x, y) => x - y);
    assert.equal(heldMs.length, 101);
    assert.ok(result.p90_ms! >= heldMs[81]!, `p90 is ${result.p90_ms}, they were held ${heldMs.join(', ')}`);
  });

  test(`${name}: answers other than 2xx and requests that are broken off are told apart`, async context => {
    let seen = 0;
    const server = serve((answer, breakOff) => {
      seen++;
      if (seen === 10) breakOff();
      else answer(seen === 20 ? 503 : 200);
    });
    const port = await listening(context, server);
    const result = await run(port, ...flags, '--rate', '100', '--seconds', '0.5', '--connections', '8');
    assert.deepEqual([result.count, result.errors, result.not_ok], [49, 1, 1]);
  });
}

test('HTTP/2: no more streams are open than the server takes, the others wait, and a connection that is lost fails its own', async context => {
  let [open, most, seen] = [0, 0, 0];
  let last: Http2Session | undefined;
  const server = createHttp2({ settings: { maxConcurrentStreams: 4 } }, (request, response) => {
    most = Math.max(most, ++open);
    last = request.stream.session;
    if (++seen === 40) {
      last!.destroy();
      return;
    }
    setTimeout(() => {
      open--;
      if (!response.stream.destroyed) response.end('ok');
    }, 30);
  });
  const port = await listening(context, server);
  const result = await run(port, '--http2', '--rate', '200', '--seconds', '0.5', '--connections', '2');
  assert.ok(most <= 8, `${most} streams at once`);
  assert.ok(result.errors >= 1 && result.errors <= 4, `${result.errors} errors`);
  assert.equal(result.count + result.errors, 100);
});
