// What is spoken to upstreams: what the client speaks, unless somebody says otherwise.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  connect,
  constants,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import type { InboundPort, TrafficSettings } from '../model/index.ts';
import { CLOSED_PORT } from '../wire/testing/ports.ts';
import { proxyMetricPieces } from './render-metrics.ts';
import { ask, closeAll, httpServer, rawConnection, tcpServer } from './testing/clients.ts';
import { H2cClient, h2cServer } from './testing/http2-peers.ts';
import { eventually } from './testing/redirected.ts';
import { StaticMesh, type TestProxy } from './testing/static-mesh.ts';

const key = 'echo.shop:80';

/** An app of one version of HTTP behind a proxy of its own, unless it is not meshed, and a client behind another. */
async function setUp(
  t: TestContext,
  options: {
    readonly app: 'http1' | 'http2';
    readonly meshed?: boolean;
    readonly settings?: Partial<TrafficSettings>;
    readonly protocol?: InboundPort['protocol'];
  },
) {
  const seen: string[] = [];
  const app =
    options.app === 'http2'
      ? await h2cServer((request, response) => {
          seen.push(`HTTP/${request.httpVersion} ${request.method} ${request.url}`);
          let body = '';
          request.setEncoding('latin1');
          request.on('data', (piece: string) => {
            body += piece;
          });
          request.on('end', () => {
            response.setHeader('trailer', 'x-end');
            response.write(`h2 ${body}`);
            response.addTrailers({ 'x-end': 'yes' });
            response.end();
          });
        })
      : await httpServer((request, response) => {
          seen.push(`HTTP/${request.httpVersion} ${request.method} ${request.url}`);
          response.end(`h1 ${request.headers['x-weft-translated'] ?? ''}`);
        });
  const mesh = new StaticMesh();
  const caller = mesh.proxy('caller');
  const { protocol } = options;
  const ports = protocol === undefined ? [] : [{ number: app.port, protocol, mtls: 'strict' as const }];
  const callee = mesh.proxy('callee', { ports });
  const endpoint = options.meshed === false ? mesh.plain(app.port) : mesh.meshed(callee, app.port);
  mesh.set({ key, endpoints: [endpoint], ...(options.settings && { settings: options.settings }) });
  const client = new H2cClient(caller.plane.outboundPort);
  t.after(() => closeAll(client, mesh, app));
  return { app, seen, mesh, caller, callee, client };
}

const protocols = ({ access }: TestProxy): string[] =>
  access.records.map(({ direction, protocol, status, flag }) => `${direction} ${protocol} ${status}${flag}`);

/** Connections that a proxy has to upstreams. */
function open({ plane }: TestProxy): number {
  const clusters = [...plane.destinations.clusters, ...plane.inboundPorts.clusters];
  return clusters.reduce((sum, { occupancy }) => sum + occupancy.connections, 0);
}

const request = { ':authority': 'echo.shop', ':path': '/a' };

test('HTTP/2 goes through two proxies to an app that speaks nothing else, with trailers, on one connection each', async t => {
  const { seen, caller, callee, client } = await setUp(t, { app: 'http2' });
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, n) => client.ask({ ...request, ':method': 'POST' }, `body ${n}`)),
  );
  for (const [n, { headers, body, trailers }] of answers.entries()) {
    assert.equal(headers[':status'], 200);
    assert.equal(body, `h2 body ${n}`);
    assert.equal(trailers['x-end'], 'yes');
  }
  assert.deepEqual(new Set(seen), new Set(['HTTP/2.0 POST /a']));
  assert.equal(open(caller), 1);
  assert.equal(open(callee), 1);
  assert.deepEqual(new Set(protocols(caller)), new Set(['outbound HTTP/2 200']));
  assert.deepEqual(new Set(protocols(callee)), new Set(['inbound HTTP/2 200']));
});

test('a client of HTTP/1 is carried in HTTP/1, and both kinds of connections are there beside each other', async t => {
  const { seen, caller, callee, client } = await setUp(t, { app: 'http1', protocol: 'http' });
  const { body } = await ask(caller.plane.outboundPort, 'echo.shop:80', { path: '/a' });
  assert.equal(body, 'h1 ');
  const { headers } = await client.ask(request);
  assert.equal(headers[':status'], 200);
  assert.deepEqual(seen, ['HTTP/1.1 GET /a', 'HTTP/1.1 GET /a']);
  assert.deepEqual(protocols(callee), ['inbound HTTP/1.1 200', 'inbound HTTP/2 200']);
  assert.equal(open(caller), 2);
});

test('an app that does not understand HTTP/2 gets the request in HTTP/1, and is not asked again soon', async t => {
  const { seen, app, client } = await setUp(t, { app: 'http1', meshed: false });
  let connections = 0;
  (app as Awaited<ReturnType<typeof httpServer>>).server.on('connection', () => connections++);
  for (let n = 0; n < 3; n++)
    assert.equal((await client.ask({ ...request, ':method': 'POST' }, 'x')).body, 'h1 ');
  assert.deepEqual(
    seen,
    Array.from({ length: 3 }, () => 'HTTP/1.1 POST /a'),
  );
  assert.equal(connections, 2, 'one to find out, one that is used');
});

test('gRPC to such an app fails in words that name the reason', async t => {
  const { seen, client } = await setUp(t, { app: 'http1', meshed: false });
  const { headers } = await client.ask(
    { ...request, ':method': 'POST', 'content-type': 'application/grpc' },
    'x',
  );
  assert.match(decodeURIComponent(String(headers['grpc-message'])), /speaks HTTP\/1 and gRPC needs HTTP\/2/);
  assert.deepEqual(seen, []);
});

const upgrade = { http2: { upgrade: true } };

test('h2UpgradePolicy: between proxies requests of HTTP/1 go as HTTP/2, and the app gets what its client spoke', async t => {
  const { seen, caller, callee } = await setUp(t, { app: 'http1', settings: upgrade });
  const answers = await Promise.all(
    Array.from({ length: 5 }, () => ask(caller.plane.outboundPort, 'echo.shop:80', { path: '/a' })),
  );
  for (const { status, body } of answers) assert.equal(`${status} ${body}`, '200 h1 ');
  assert.deepEqual(new Set(seen), new Set(['HTTP/1.1 GET /a']));
  assert.deepEqual(new Set(protocols(caller)), new Set(['outbound HTTP/1.1 200']));
  assert.deepEqual(new Set(protocols(callee)), new Set(['inbound HTTP/2 200']));
  assert.equal(open(caller), 1);
});

test('a WebSocket still opens where requests are upgraded', async t => {
  const { app, caller } = await setUp(t, { app: 'http1', settings: upgrade });
  const { server } = app as Awaited<ReturnType<typeof httpServer>>;
  server.on('upgrade', (_, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n');
    socket.on('error', () => {});
    socket.on('data', (bytes: Buffer) => socket.write(bytes));
  });
  await ask(caller.plane.outboundPort, 'echo.shop:80');
  const raw = await rawConnection(caller.plane.outboundPort);
  raw.write(
    'GET http://echo.shop:80/ws HTTP/1.1\r\nhost: echo.shop\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n',
  );
  await raw.until(({ text }) => text.includes('\r\n\r\n'));
  assert.match(raw.text, /^HTTP\/1\.1 101 /);
  raw.write('frame');
  await raw.until(({ text }) => text.endsWith('frame'));
});

/** An app that speaks HTTP/2 and nothing else, and echoes what comes through a WebSocket where it takes one. */
async function echoApp(t: TestContext, enableConnectProtocol: boolean) {
  const app = createServer({ settings: { enableConnectProtocol } });
  const opened: string[] = [];
  app.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    if (headers[':method'] !== 'CONNECT') {
      stream.respond({ ':status': 200 });
      stream.end('plain');
      return;
    }
    opened.push(`${headers[':protocol']} ${headers[':path']} ${headers['sec-websocket-version']}`);
    stream.respond({ ':status': 200 });
    stream.pipe(stream);
  });
  const sessions = new Set<ServerHttp2Session>();
  app.on('session', session => sessions.add(session));
  app.listen(0, '127.0.0.1');
  await once(app, 'listening');
  const { port } = app.address() as AddressInfo;
  const close = (): void => {
    for (const session of sessions) session.destroy();
    app.close();
  };
  const mesh = new StaticMesh();
  const caller = mesh.proxy('caller');
  const callee = mesh.proxy('callee', { ports: [{ number: port, protocol: 'http2', mtls: 'strict' }] });
  mesh.set({ key, endpoints: [mesh.meshed(callee, port)] });
  t.after(() => closeAll(mesh, { close }));
  return { caller, callee, opened };
}

const upgradeHead = [
  'GET http://echo.shop:80/ws HTTP/1.1',
  'host: echo.shop',
  'upgrade: websocket',
  'connection: upgrade',
  'sec-websocket-version: 13',
  'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
  '\r\n',
].join('\r\n');

test('a WebSocket of HTTP/1 reaches an app that speaks HTTP/2 alone, the first request of all and beside others', async t => {
  const { caller, callee, opened } = await echoApp(t, true);
  for (let turn = 0; turn < 2; turn++) {
    const raw = await rawConnection(caller.plane.outboundPort);
    raw.write(upgradeHead);
    await raw.until(({ text }) => text.includes('\r\n\r\n'));
    assert.match(raw.text, /^HTTP\/1\.1 101 /);
    // RFC 6455 section 1.3 has the answer to this key.
    assert.match(raw.text, /sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/i);
    raw.write('frame');
    await raw.until(({ text }) => text.endsWith('frame'));
  }
  assert.deepEqual(opened, ['websocket /ws 13', 'websocket /ws 13']);
  assert.equal(open(callee), 1, 'both on one connection');
});

test('so does one of a client of HTTP/2, as an extended CONNECT on both sides', async t => {
  const { caller, opened } = await echoApp(t, true);
  const session = connect(`http://127.0.0.1:${caller.plane.outboundPort}`);
  t.after(() => session.destroy());
  await once(session, 'remoteSettings');
  const stream = session.request(
    {
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':authority': 'echo.shop',
      ':scheme': 'http',
      ':path': '/ws',
      'sec-websocket-version': '13',
    },
    { endStream: false },
  );
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders];
  assert.equal(headers[':status'], 200);
  stream.write('frame');
  const [bytes] = (await once(stream, 'data')) as [Buffer];
  assert.equal(bytes.toString(), 'frame');
  assert.deepEqual(opened, ['websocket /ws 13']);
  stream.destroy();
});

test('a WebSocket is refused in words where the app takes none, closes before it says so, or is not there', async t => {
  const mesh = new StaticMesh();
  const caller = mesh.proxy('caller');
  const mute = await tcpServer(socket => socket.once('data', () => socket.end()));
  const none = createServer();
  none.listen(0, '127.0.0.1');
  await once(none, 'listening');
  t.after(() => closeAll(mesh, mute, none));
  const { port } = none.address() as AddressInfo;
  for (const each of [port, mute.port, CLOSED_PORT]) {
    mesh.set({ key: `to-${each}.shop:80`, protocol: 'http2', endpoints: [mesh.plain(each)] });
    const raw = await rawConnection(caller.plane.outboundPort);
    raw.write(upgradeHead.replaceAll('echo.shop', `to-${each}.shop`));
    await raw.until(({ text, closed }) => closed || text.includes('\r\n\r\n'));
    assert.match(raw.text, /^HTTP\/1\.1 50[23] [\s\S]*x-weft-flag: U/, `${each}`);
    assert.equal(caller.plane.services.active, 0);
  }
});

test('it is for proxies only, and useClientProtocol wins over it', async t => {
  const plain = await setUp(t, { app: 'http1', meshed: false, settings: upgrade });
  await ask(plain.caller.plane.outboundPort, 'echo.shop:80');
  assert.deepEqual(plain.seen, ['HTTP/1.1 GET /']);
  const kept = await setUp(t, {
    app: 'http1',
    settings: { http2: { upgrade: true, useClientProtocol: true } },
  });
  await ask(kept.caller.plane.outboundPort, 'echo.shop:80');
  assert.deepEqual(protocols(kept.callee), ['inbound HTTP/1.1 200']);
});

test('a port that is declared to speak HTTP/2 gets nothing else', async t => {
  const { seen, caller } = await setUp(t, { app: 'http2', protocol: 'http2' });
  const { status, body } = await ask(caller.plane.outboundPort, 'echo.shop:80');
  assert.equal(`${status} ${body}`, '200 h2 ');
  assert.deepEqual(seen, ['HTTP/2.0 GET /']);
});

test('a further connection is opened where the peer takes no more streams, and no request fails because of it', async t => {
  const waiting: (() => void)[] = [];
  const app = await h2cServer((_, response) => void waiting.push(() => response.end('ok')), {
    settings: { maxConcurrentStreams: 4 },
  });
  const mesh = new StaticMesh();
  const caller = mesh.proxy('caller');
  mesh.set({ key, endpoints: [mesh.plain(app.port)] });
  const client = new H2cClient(caller.plane.outboundPort);
  t.after(() => closeAll(client, mesh, app));
  const asked = Array.from({ length: 10 }, () => client.ask(request));
  while (waiting.length < 10) await new Promise(resolve => setTimeout(resolve, 5));
  for (const answer of waiting) answer();
  for (const { headers } of await Promise.all(asked)) assert.equal(headers[':status'], 200);
  assert.equal(app.accepted(), 3);
});

test('what a server refuses before it looks at it goes out again, a POST too, and is no retry', async t => {
  let refused = 0;
  const app = await h2cServer((request, response) => {
    request.resume();
    if (refused++ === 0) response.stream.close(constants.NGHTTP2_REFUSED_STREAM);
    else request.on('end', () => response.end('taken'));
  });
  const mesh = new StaticMesh();
  const caller = mesh.proxy('caller');
  mesh.set({ key, endpoints: [mesh.plain(app.port)] });
  const client = new H2cClient(caller.plane.outboundPort);
  t.after(() => closeAll(client, mesh, app));
  const { headers, body } = await client.ask({ ...request, ':method': 'POST' }, 'once');
  assert.equal(`${headers[':status']} ${body}`, '200 taken');
  const [cluster] = caller.plane.destinations.clusters;
  assert.equal(cluster!.retries, 0);
  assert.equal(caller.access.records[0]!.attempts, 1);
});

test('a server that goes away gets no new requests, and those that it has are answered', async t => {
  const held: (() => void)[] = [];
  const app = await h2cServer((request, response) => {
    if (request.url === '/held') held.push(() => response.end('late'));
    else response.end('now');
  });
  const mesh = new StaticMesh();
  const caller = mesh.proxy('caller');
  mesh.set({ key, endpoints: [mesh.plain(app.port)] });
  const client = new H2cClient(caller.plane.outboundPort);
  t.after(() => closeAll(client, mesh, app));
  const first = client.ask({ ...request, ':path': '/held' });
  while (held.length < 1) await new Promise(resolve => setImmediate(resolve));
  const [session] = app.sessions;
  session!.goaway(0);
  assert.equal((await client.ask(request)).body, 'now');
  for (const answer of held) answer();
  assert.equal((await first).body, 'late');
  assert.deepEqual(new Set(protocols(caller)), new Set(['outbound HTTP/2 200']));
});

test('what is odd about the HTTP/2 of an upstream is counted by name', async t => {
  const app = await h2cServer((_, response) => response.end('ok'));
  const mesh = new StaticMesh();
  const caller = mesh.proxy('caller');
  mesh.set({ key, endpoints: [mesh.plain(app.port)] });
  const client = new H2cClient(caller.plane.outboundPort);
  t.after(() => closeAll(client, mesh, app));
  await client.ask(request);
  for (const session of app.sessions) session.settings({ initialWindowSize: 100_000 });
  const told = 'weft_http2_anomalies_total{direction="upstream",anomaly="settings"} 1\n';
  await eventually(() => [...proxyMetricPieces(caller.plane, () => {})].join('').includes(told));
});
