import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { type TestContext, test } from 'node:test';
import { CLOSED_PORT } from '../wire/testing/ports.ts';
import { appHealthRoutes, readAppProbes, runProbe } from './app-health.ts';
import { type AdminRequest, BREAK_OFF } from './http-server.ts';

const host = '127.0.0.1';
const app = { host };

async function portOf(context: TestContext, server: Server): Promise<number> {
  server.listen(0, host);
  await once(server, 'listening');
  context.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

function httpGet(port: number, path: string, more: object = {}) {
  return { httpGet: { path, port, scheme: 'HTTP' as const, ...more }, timeoutSeconds: 1 };
}

test('an HTTP probe succeeds exactly with 200 to 399, and asks as its author wrote', async context => {
  const asked: string[] = [];
  const server = createHttpServer((request, response) => {
    asked.push(`${request.url} ${request.headers.host} ${request.headers['x-a']}`);
    response.writeHead(Number(request.url!.slice(1))).end();
  });
  const port = await portOf(context, server);
  const httpHeaders = [
    { name: 'Host', value: 'shop.example' },
    { name: 'X-A', value: 'b' },
  ];
  assert.equal(await runProbe(httpGet(port, '/204', { httpHeaders }), app), undefined);
  assert.equal(await runProbe(httpGet(port, '/302'), app), undefined);
  assert.equal(await runProbe(httpGet(port, '/503'), app), `GET /503 on port ${port} answered 503`);
  assert.deepEqual(asked, [
    '/204 shop.example b',
    `/302 ${host}:${port} undefined`,
    `/503 ${host}:${port} undefined`,
  ]);
});

test('an app that says nothing, or something else, or is not there fails with the reason', async context => {
  const mute = await portOf(
    context,
    createServer(socket => context.after(() => socket.destroy())),
  );
  const probe = { ...httpGet(mute, '/'), timeoutSeconds: 0.05 };
  assert.equal(await runProbe(probe, app), `GET / on port ${mute}: no answer within 50 ms`);
  const other = await portOf(
    context,
    createServer(socket => socket.end('SSH-2.0-x\r\n')),
  );
  assert.match((await runProbe(httpGet(other, '/'), app))!, /the answer is no HTTP/);
  assert.match((await runProbe(httpGet(CLOSED_PORT, '/'), app))!, /ECONNREFUSED/);
  const tcpSocket = { port: CLOSED_PORT };
  assert.match((await runProbe({ tcpSocket, timeoutSeconds: 1 }, app))!, /ECONNREFUSED/);
});

test('a TCP probe succeeds when the port takes the connection', async context => {
  const port = await portOf(context, createServer());
  assert.equal(await runProbe({ tcpSocket: { port }, timeoutSeconds: 1 }, app), undefined);
});

test('a gRPC probe succeeds when the service is SERVING', async context => {
  const server = createHttp2Server();
  server.on('stream', stream => {
    stream.once('data', (request: Buffer) => {
      const serving = request.subarray(7).toString() === 'good';
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(Buffer.from([0, 0, 0, 0, 2, 0x08, serving ? 1 : 2]));
    });
  });
  const port = await portOf(context, server);
  const probe = (service: string) => runProbe({ grpc: { port, service }, timeoutSeconds: 2 }, app);
  assert.equal(await probe('good'), undefined);
  assert.equal(await probe('bad'), `grpc on port ${port}: not serving`);
});

test('connections come from the address that the packet rules let through', async context => {
  const sources: (string | undefined)[] = [];
  const server = createServer(socket => {
    sources.push(socket.remoteAddress);
    socket.end('HTTP/1.1 200 OK\r\n\r\n');
  });
  const port = await portOf(context, server);
  const from = { host, localAddress: '127.0.0.6' };
  assert.equal(await runProbe(httpGet(port, '/'), from), undefined);
  assert.deepEqual(sources, ['127.0.0.6']);
});

test('each probe of WEFT_PROBES is a path that answers 200 or 500 with the reason', async context => {
  const port = await portOf(context, createServer());
  const path = '/app-health/app/readyz';
  const value = JSON.stringify({
    [path]: { tcpSocket: { port }, timeoutSeconds: 1 },
    '/app-health/app/livez': { timeoutSeconds: 1 },
  });
  const routes = appHealthRoutes(readAppProbes(value), app);
  const request: AdminRequest = { method: 'GET', path, query: new URLSearchParams() };
  assert.equal((await routes[`GET ${path}`]!(request)).status, 200);
  const failed = await routes['GET /app-health/app/livez']!(request);
  assert.deepEqual(
    [failed.status, failed.body],
    [500, "weft: the app's probe failed: it is of a kind that this version does not know\n"],
  );
  assert.deepEqual(appHealthRoutes(readAppProbes(undefined), app), {});
});

test('what the kubelet calls itself goes on to the app, and nobody else’s name does', async context => {
  const seen: (string | undefined)[] = [];
  const server = createHttpServer((request, response) => {
    seen.push(request.headers['user-agent']);
    response.end();
  });
  const port = await portOf(context, server);
  const path = '/app-health/app/readyz';
  const routes = appHealthRoutes({ [path]: httpGet(port, '/') }, app);
  for (const agent of ['kube-probe/1.29', 'curl/8'])
    await routes[`GET ${path}`]!({
      method: 'GET',
      path,
      query: new URLSearchParams(),
      headers: { 'user-agent': agent },
    });
  assert.deepEqual(seen, ['kube-probe/1.29', 'kube-probe/1.34']);
});

test('a hook takes as long as the app takes, any answer is one, and none breaks the connection off', async context => {
  let answer = (): void => {};
  const server = createHttpServer((_, response) => {
    answer = () => response.writeHead(500).end();
  });
  const port = await portOf(context, server);
  const path = '/app-health/app/prestop';
  const hook = { httpGet: { path: 'shutdown', port, scheme: 'HTTP' as const } };
  const closed = { httpGet: { path: '/', port: CLOSED_PORT, scheme: 'HTTP' as const } };
  const other = '/app-health/b/poststart';
  const routes = appHealthRoutes({ [path]: hook, [other]: closed }, app);
  const request = { method: 'GET', path, query: new URLSearchParams() };
  const asked = once(server, 'request');
  const reply = routes[`GET ${path}`]!(request);
  await asked;
  answer();
  assert.equal((await reply).status, 200);
  assert.equal(await routes[`GET ${other}`]!(request), BREAK_OFF);
});

test('a flood of probes asks the app once', async context => {
  let asked = 0;
  const server = createHttpServer((_, response) => {
    asked++;
    response.end();
  });
  const path = '/app-health/app/livez';
  const routes = appHealthRoutes({ [path]: httpGet(await portOf(context, server), '/') }, app);
  const request = { method: 'GET', path, query: new URLSearchParams() };
  const replies = await Promise.all(Array.from({ length: 100 }, () => routes[`GET ${path}`]!(request)));
  assert.deepEqual([asked, replies.every(({ status }) => status === 200)], [1, true]);
  assert.equal((await routes[`GET ${path}`]!(request)).status, 200);
  assert.equal(asked, 2);
});
