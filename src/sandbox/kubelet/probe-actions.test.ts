import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo, Server } from 'node:net';
import { type TestContext, test } from 'node:test';
import { CLOSED_PORT } from '../../wire/testing/ports.ts';
import { probeGrpc } from './grpc-probe.ts';
import { containerPort, probeHttp, probeTcp, runHttpHook } from './probe-actions.ts';

async function portOf(context: TestContext, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

test('HTTP: 200 to 399 is success, with path and headers as written; anything else says its status', async context => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.url} ${request.headers['x-a']}`);
    response.writeHead(Number(request.url!.slice(1))).end('body');
  });
  const port = await portOf(context, server);
  const probe = (path: string) =>
    probeHttp('127.0.0.1', port, { path, port, httpHeaders: [{ name: 'X-A', value: 'b' }] }, 1000);
  assert.deepEqual(await probe('/200'), { ok: true, detail: '' });
  assert.equal((await probe('/302')).ok, true);
  assert.deepEqual(await probe('/503'), { ok: false, detail: `GET /503 on port ${port} answered 503` });
  assert.deepEqual(asked, ['/200 b', '/302 b', '/503 b']);
});

test('HTTP: an app that does not answer fails after the timeout', async context => {
  const server = createServer(() => {});
  const port = await portOf(context, server);
  context.after(() => server.closeAllConnections());
  const { ok, detail } = await probeHttp('127.0.0.1', port, { port }, 50);
  assert.deepEqual([ok, detail], [false, `GET / on port ${port}: no answer within 50 ms`]);
});

test('TCP: a connection is success, a refusal is not', async context => {
  const port = await portOf(context, createServer());
  assert.equal((await probeTcp('127.0.0.1', port, 1000)).ok, true);
  assert.match((await probeTcp('127.0.0.1', CLOSED_PORT, 1000)).detail, /ECONNREFUSED/);
});

test('gRPC: SERVING is success, NOT_SERVING, an error status and no server are not', async context => {
  const answers: Record<string, { status: string; message: number[] }> = {
    good: { status: '0', message: [0x08, 0x01] },
    bad: { status: '0', message: [0x08, 0x02] },
    unknown: { status: '5', message: [] },
  };
  const server = createHttp2Server();
  server.on('stream', (stream, headers) => {
    assert.equal(headers[':path'], '/grpc.health.v1.Health/Check');
    stream.once('data', (request: Buffer) => {
      const { status, message } = answers[request.subarray(7).toString()]!;
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': status }));
      stream.end(Buffer.from([0, 0, 0, 0, message.length, ...message]));
    });
  });
  const port = await portOf(context, server);
  const probe = (service: string) => probeGrpc('127.0.0.1', port, service, 2000);
  assert.deepEqual(await probe('good'), { ok: true, detail: '' });
  assert.match((await probe('bad')).detail, /not serving/);
  assert.match((await probe('unknown')).detail, /status 5/);
  assert.match((await probeGrpc('127.0.0.1', CLOSED_PORT, '', 1000)).detail, /ECONNREFUSED/);
});

test('a port is named in the same container, or is a number', () => {
  const container = { name: 'app', ports: [{ name: 'web', containerPort: 80 }, { containerPort: 81 }] };
  assert.equal(containerPort(container, 'web'), 80);
  assert.equal(containerPort(container, 8080), 8080);
  assert.equal(containerPort(container, '8081'), 8081);
  for (const port of ['other', '', 0, 65_536, '99999'])
    assert.match(String(containerPort(container, port)), /container app declares no port/, String(port));
});

test('a hook is through with any answer; a path without a slash gets one', async context => {
  const asked: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url);
    response.writeHead(500).end();
  });
  const port = await portOf(context, server);
  assert.deepEqual(await runHttpHook('127.0.0.1', port, { path: 'bye', port }, 1000), {
    ok: true,
    detail: '',
  });
  assert.equal((await probeHttp('127.0.0.1', port, { path: 'healthz', port }, 1000)).ok, false);
  assert.deepEqual(asked, ['/bye', '/healthz']);
  assert.equal((await runHttpHook('127.0.0.1', CLOSED_PORT, { port }, 1000)).ok, false);
});
