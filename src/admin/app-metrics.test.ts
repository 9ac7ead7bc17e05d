import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { silentLog } from '../telemetry/index.ts';
import { appMetricsRoutes, readAppMetrics } from './app-metrics.ts';

async function setUp(context: TestContext, answer: RequestListener) {
  const server = createServer(answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const said: string[] = [];
  const log = { ...silentLog, warn: (_: object, message: string) => void said.push(message) };
  const own = () => ({ status: 200, contentType: 'text/plain', body: 'own 1\n' });
  const routes = appMetricsRoutes(own, { port, path: '/m?x=1', scheme: 'http' }, { host: '127.0.0.1' }, log);
  const request = { method: 'GET', path: '', query: new URLSearchParams() };
  const get = async () => [...(await routes['GET /stats/prometheus']!(request)).pieces!].join('');
  return { get, said, server };
}

test('one scrape has the proxy’s metrics and the app’s', async context => {
  const asked: string[] = [];
  const { get } = await setUp(context, (request, response) => {
    asked.push(`${request.url} ${request.headers.accept}`);
    response.end('app 2\n');
  });
  const body = await get();
  assert.match(body, /^own 1\n[\s\S]*weft_app_metrics_up 1\napp 2\n$/);
  assert.deepEqual(asked, ['/m?x=1 text/plain;version=0.0.4;q=1,*/*;q=0.1']);
});

const failures: [string, RequestListener, RegExp][] = [
  ['refuses', (_, response) => void response.writeHead(503).end(), /answered 503/],
  ['breaks off', request => void request.socket.destroy(), /GET \/m\?x=1 on port \d+: /],
  [
    'breaks off later',
    (_, response) =>
      void response.writeHead(200, { 'content-length': 10 }).write('a', () => response.destroy()),
    /./,
  ],
  ['is too large', (_, response) => void response.end('a 1\n'.repeat(3 << 20)), /more than 8388608 bytes/],
  [
    'speaks protobuf',
    (_, response) =>
      void response.writeHead(200, { 'content-type': 'application/vnd.google.protobuf' }).end(),
    /protobuf/,
  ],
];
for (const [what, answer, reason] of failures) {
  test(`an app that ${what} leaves the proxy’s own metrics`, async context => {
    const { get, said } = await setUp(context, answer);
    assert.match(await get(), /^own 1\n[\s\S]*weft_app_metrics_up 0\n$/);
    await get();
    assert.match(said[0]!, reason);
  });
}

test('scrapes at the same time ask the app once', async context => {
  let asked = 0;
  const { get } = await setUp(context, (_, response) => {
    asked++;
    response.end('app 2\n');
  });
  await Promise.all([get(), get(), get()]);
  assert.equal(asked, 1);
  await get();
  assert.equal(asked, 2);
});

test('what inject wrote is read, and anything else is refused', () => {
  assert.deepEqual(readAppMetrics('{"port":80,"path":"/m","scheme":"http"}'), {
    port: 80,
    path: '/m',
    scheme: 'http',
  });
  assert.equal(readAppMetrics(''), undefined);
  for (const text of [
    '{',
    '{}',
    '{"port":"80","path":"/","scheme":"http"}',
    '{"port":80,"path":"m","scheme":"http"}',
  ]) {
    assert.throws(() => readAppMetrics(text), { code: 'bad-configuration' });
  }
});
