import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { closeAll, httpServer } from '../testing/clients.ts';
import { eventually } from '../testing/redirected.ts';
import { StaticMesh, type TestProxy } from '../testing/static-mesh.ts';

interface Answer {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

async function answerOf(stream: ClientHttp2Stream): Promise<Answer> {
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders];
  let body = '';
  stream.setEncoding('latin1');
  for await (const piece of stream) body += piece;
  return { headers, body };
}

function ask(session: ClientHttp2Session, headers: OutgoingHttpHeaders, body = ''): Promise<Answer> {
  const stream = session.request(headers, { endStream: body === '' });
  stream.on('error', () => {});
  if (body !== '') stream.end(body);
  return answerOf(stream);
}

function client(port: number): ClientHttp2Session {
  return connect(`http://127.0.0.1:${port}`).on('error', () => {});
}

function close(session: ClientHttp2Session): { close(): void } {
  return { close: () => session.destroy() };
}

/** An app that says what it was asked, and a proxy whose app calls it. */
async function setUp(key = 'echo:80') {
  const app = await httpServer((request, response) => {
    let body = '';
    request.on('data', (piece: Buffer) => {
      body += piece.toString('latin1');
    });
    request.on('end', () => {
      const { 'x-n': n = '', host, 'x-request-id': id } = request.headers;
      response.setHeader('x-app-n', n);
      response.end(
        `${request.method} ${host} ${request.url} ${n} ${id === undefined ? 'no' : 'an'} id ${body}`,
      );
    });
  });
  const mesh = new StaticMesh();
  const proxy = mesh.proxy('client');
  mesh.set({ key, endpoints: [mesh.plain(app.port)] });
  return { app, mesh, proxy };
}

const names = ({ access }: TestProxy): string[] =>
  access.records.map(({ protocol, method, authority, path, status }) =>
    [protocol, method, authority, path, status].join(' '),
  );

test('requests of one connection go where each of their authorities leads, and the log says that they came in HTTP/2', async t => {
  const { app, mesh, proxy } = await setUp('a.shop:80');
  mesh.set({ key: 'b.shop:81', endpoints: [mesh.plain(app.port)] });
  const session = client(proxy.plane.outboundPort);
  t.after(() => closeAll(close(session), mesh, app));
  const asked = [
    { ':authority': 'a.shop', ':path': '/1' },
    { ':authority': 'b.shop:81', ':path': '/2', ':method': 'POST' },
    { ':authority': 'nowhere.invalid', ':path': '/3' },
  ];
  const answers = await Promise.all(asked.map((headers, i) => ask(session, headers, i === 1 ? 'body' : '')));
  assert.deepEqual(answers.map(({ headers, body }) => `${headers[':status']} ${body}`).slice(0, 2), [
    '200 GET a.shop /1  an id ',
    '200 POST b.shop:81 /2  an id body',
  ]);
  assert.equal(answers[2]!.headers[':status'], 503);
  assert.equal(answers[2]!.headers['x-weft-flag'], 'DF');
  assert.deepEqual(names(proxy).sort(), [
    'HTTP/2 GET a.shop /1 200',
    'HTTP/2 GET nowhere.invalid /3 503',
    'HTTP/2 POST b.shop:81 /2 200',
  ]);
  const accepted = [...proxy.plane.services.counters.accepted.entries()];
  assert.deepEqual(accepted, [['direction="outbound",protocol="http2",mode="explicit"', 1]]);
});

test('heads of many streams that wait for discovery stay what they were, whatever is read meanwhile', async t => {
  const { app, mesh, proxy } = await setUp('late.shop:80');
  mesh.silent.add('late.shop:80');
  const session = client(proxy.plane.outboundPort);
  t.after(() => closeAll(close(session), mesh, app));
  const asked = Array.from({ length: 200 }, (_, n) =>
    ask(
      session,
      { ':authority': 'late.shop', ':path': `/${n}`, ':method': 'POST', 'x-n': `${n}-${'x'.repeat(n * 7)}` },
      `body ${n}`,
    ),
  );
  await eventually(() => proxy.plane.services.active === 200);
  mesh.silent.clear();
  mesh.answer(proxy.plane, 'late.shop:80');
  const answers = await Promise.all(asked);
  for (const [n, { body }] of answers.entries())
    assert.equal(body, `POST late.shop /${n} ${n}-${'x'.repeat(n * 7)} an id body ${n}`);
  assert.equal(proxy.plane.services.active, 0);
});

test('a stream that its client gives up ends its exchange and nobody else’s; nothing is kept of it', async t => {
  const { app, mesh, proxy } = await setUp();
  const session = client(proxy.plane.outboundPort);
  t.after(() => closeAll(close(session), mesh, app));
  mesh.silent.add('held.shop:80');
  const waiting = session.request({ ':authority': 'held.shop', ':path': '/' });
  waiting.on('error', () => {});
  await eventually(() => proxy.plane.services.active === 1);
  waiting.close(constants.NGHTTP2_CANCEL);
  await eventually(() => proxy.plane.services.active === 0);
  const { body } = await ask(session, { ':authority': 'echo:80', ':path': '/after' });
  assert.equal(body, 'GET echo:80 /after  an id ');
  // The answer that comes too late finds nobody.
  mesh.silent.clear();
  mesh.answer(proxy.plane, 'held.shop:80');
  assert.deepEqual(
    proxy.access.records.map(({ path, flag }) => `${path} ${flag}`),
    ['/ DC', '/after '],
  );
});

test('a malformed request is answered in words and counted by name, and its connection goes on', async t => {
  const { app, mesh, proxy } = await setUp();
  const session = client(proxy.plane.outboundPort);
  t.after(() => closeAll(close(session), mesh, app));
  const refused = await ask(session, { ':authority': 'echo:80', ':path': '/a#b' });
  assert.equal(refused.headers[':status'], 400);
  assert.match(refused.body, /\(weft: bad-target\)/);
  assert.match(String(refused.headers['x-request-id']), /^[0-9a-f-]{36}$/);
  const { body } = await ask(session, { ':authority': 'echo:80', ':path': '/ok' });
  assert.equal(body, 'GET echo:80 /ok  an id ');
  assert.deepEqual(
    [...proxy.plane.services.counters.malformed.entries()],
    [['direction="outbound",fault="bad-target"', 1]],
  );
  assert.equal(proxy.access.records[0]!.protocol, 'HTTP/2');
});

test('a body that is not as long as it says breaks its request off, once in the log and with its status', async t => {
  const { app, mesh, proxy } = await setUp();
  const session = client(proxy.plane.outboundPort);
  t.after(() => closeAll(close(session), mesh, app));
  const stream = session.request(
    { ':authority': 'echo:80', ':path': '/', ':method': 'POST', 'content-length': '4' },
    { endStream: false },
  );
  stream.on('error', () => {});
  const answer = answerOf(stream);
  stream.write('too long');
  const { headers, body } = await answer;
  assert.equal(headers[':status'], 400);
  assert.match(body, /length-mismatch/);
  assert.deepEqual(
    proxy.access.records.map(({ status, flag }) => `${status} ${flag}`),
    ['400 DPE'],
  );
});

test('draining asks clients of HTTP/2 to go and answers what is under way', async t => {
  const { app, mesh, proxy } = await setUp('late.shop:80');
  mesh.silent.add('late.shop:80');
  const session = client(proxy.plane.outboundPort);
  t.after(() => closeAll(close(session), mesh, app));
  const asked = ask(session, { ':authority': 'late.shop', ':path': '/' });
  await eventually(() => proxy.plane.services.active === 1);
  const goaway = once(session, 'goaway');
  proxy.plane.drain();
  const [code] = (await goaway) as [number];
  assert.equal(code, 0);
  mesh.silent.clear();
  mesh.answer(proxy.plane, 'late.shop:80');
  assert.equal((await asked).headers[':status'], 200);
  await eventually(() => session.closed || session.destroyed);
});

test('a WebSocket of HTTP/2 (RFC 8441) goes through two proxies to an app of HTTP/1, both ways, and ends with its client', async t => {
  const app = await httpServer((_request, response) => response.end('no upgrade'));
  let ended = false;
  app.server.on('upgrade', (request: IncomingMessage, socket: Socket) => {
    socket
      .on('error', () => {})
      .on('close', () => {
        ended = true;
      });
    assert.match(request.headers['sec-websocket-key'] ?? '', /^.{24}$/);
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-App: 1\r\n\r\n',
    );
    socket.pipe(socket);
  });
  const mesh = new StaticMesh();
  const proxy = mesh.proxy('client');
  const server = mesh.proxy('server');
  mesh.set({ key: 'chat:80', endpoints: [mesh.meshed(server, app.port)] });
  const session = client(proxy.plane.outboundPort);
  t.after(() => closeAll(close(session), mesh, app));
  await once(session, 'remoteSettings');
  assert.equal(session.remoteSettings.enableConnectProtocol, true);
  const stream = session.request(
    { ':method': 'CONNECT', ':protocol': 'websocket', ':authority': 'chat:80', ':path': '/room' },
    { endStream: false },
  );
  stream.on('error', () => {});
  // What comes before the tunnel is open is held.
  stream.write('early ');
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders];
  assert.equal(headers[':status'], 200);
  assert.equal(headers['x-app'], '1');
  let heard = '';
  stream.setEncoding('latin1').on('data', piece => {
    heard += piece;
  });
  stream.write('late');
  await eventually(() => heard === 'early late');
  assert.equal(proxy.plane.services.tunnels + server.plane.services.tunnels, 2);
  const other = await ask(session, { ':authority': 'chat:80', ':path': '/' });
  assert.equal(other.body, 'no upgrade');
  stream.close(constants.NGHTTP2_CANCEL);
  await eventually(() => ended && proxy.plane.services.tunnels + server.plane.services.tunnels === 0);
});

test('an upgrade that the app refuses is refused to a client of HTTP/2 in the app’s words, and what it sent early is nobody’s', async t => {
  const { app, mesh, proxy } = await setUp('chat:80');
  const carriers: Socket[] = [];
  app.server.on('request', request => carriers.push(request.socket));
  app.server.on('upgrade', (_: IncomingMessage, socket: Socket) => {
    carriers.push(socket);
    socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno');
  });
  const session = client(proxy.plane.outboundPort);
  t.after(() => closeAll(close(session), mesh, app));
  const stream = session.request(
    { ':method': 'CONNECT', ':protocol': 'websocket', ':authority': 'chat:80', ':path': '/room' },
    { endStream: false },
  );
  stream.on('error', () => {});
  stream.write('GET /smuggled HTTP/1.1\r\nHost: chat\r\n\r\n');
  const { headers, body } = await answerOf(stream);
  assert.equal(`${headers[':status']} ${body}`, '403 no');
  assert.equal(
    (await ask(session, { ':authority': 'chat:80', ':path': '/after' })).body,
    'GET chat:80 /after  an id ',
  );
  assert.deepEqual(
    proxy.access.records.map(({ path, status }) => `${path} ${status}`),
    ['/room 403', '/after 200'],
  );
  assert.equal(carriers.length, 2, 'nothing of what came early is a request');
  assert.notEqual(carriers[0], carriers[1], 'a connection after a refused upgrade is not used again');
});

test('CONNECT of HTTP/2 opens no tunnel in explicit mode, and says what does', async t => {
  const { app, mesh, proxy } = await setUp();
  const session = client(proxy.plane.outboundPort);
  t.after(() => closeAll(close(session), mesh, app));
  const { headers, body } = await ask(session, { ':method': 'CONNECT', ':authority': '10.0.0.9:22' });
  assert.equal(headers[':status'], 404);
  assert.match(body, /a tunnel to 10\.0\.0\.9:22 is opened by CONNECT of HTTP\/1\.1/);
});
