import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { readResult } from './load-result.ts';

async function listening(context: TestContext, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function run(port: number, ...flags: string[]): ReturnType<typeof parse> {
  const program = [`${import.meta.dirname}/open-loop.ts`, '--url', `http://127.0.0.1:${port}/`, ...flags];
  return parse((await promisify(execFile)(process.execPath, program)).stdout);
}
const parse = async (printed: string): Promise<ReturnType<typeof readResult>> => readResult(printed);

test('a server that stands still is felt by every request that was due meanwhile', async context => {
  const held: (() => void)[] = [];
  let seen = 0;
  const server = createServer((_, response) => {
    seen++;
    // From the 50th request on nothing is answered until the 150th has come: a closed loop of 8 connections would never get
    // there.
    if (seen < 50 || seen > 150) response.end('ok');
    else held.push(() => response.end('ok'));
    if (seen === 150) for (const answer of held) answer();
  });
  const port = await listening(context, server);
  const result = await run(port, '--rate', '200', '--seconds', '1', '--connections', '120');
  assert.equal(result.count, 200);
  assert.equal(result.errors, 0);
  // A hundred of them waited half a second together: a quarter of all waited longer than a quarter of a second.
  assert.ok(result.p90_ms! > 300, `p90 is ${result.p90_ms}`);
});

test('answers other than 2xx and broken connections are told apart', async context => {
  let seen = 0;
  const server = createServer((request, response) => {
    seen++;
    if (seen === 10) request.socket.destroy();
    else response.writeHead(seen === 20 ? 503 : 200).end('ok');
  });
  const port = await listening(context, server);
  const result = await run(port, '--rate', '100', '--seconds', '0.5', '--connections', '8');
  assert.deepEqual([result.count, result.errors, result.not_ok], [49, 1, 1]);
});
