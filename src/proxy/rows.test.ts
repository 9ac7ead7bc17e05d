// What users of other meshes suffer from, shown not to happen here: one test per row of the list that the data plane answers for.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { DEFAULT_TRAFFIC } from '../model/index.ts';
import { FakeClock } from '../time/index.ts';
import { ask, closeAll, httpServer, rawConnection, tcpServer } from './testing/clients.ts';
import { eventually, redirectedInbound, redirectedOutbound } from './testing/redirected.ts';
import { StaticMesh } from './testing/static-mesh.ts';

/** Two proxies with mesh TLS between them, and where the second leads. */
function pair(appPort: number, key = 'app.shop:80') {
  const mesh = new StaticMesh();
  const client = mesh.proxy('client');
  const server = mesh.proxy('server');
  mesh.set({ key, endpoints: [mesh.meshed(server, appPort)] });
  return { mesh, client, server, port: client.plane.outboundPort };
}

const hex = (text: string): string => Buffer.from(text.replaceAll(' ', ''), 'hex').toString('latin1');

/** First words on unnamed ports; whoever speaks first stands first. */
const conversations: [string, { greeting?: string; hello: string; reply: string }][] = [
  [
    'MySQL',
    {
      greeting: hex('4a 00 00 00 0a 38 2e 30'),
      hello: hex('55 00 00 01 85 a6'),
      reply: hex('07 00 00 02 00'),
    },
  ],
  ['SMTP', { greeting: '220 mail\r\n', hello: 'EHLO a\r\n', reply: '250 ok\r\n' }],
  ['SSH, server first', { greeting: 'SSH-2.0-server\r\n', hello: 'SSH-2.0-client\r\n', reply: 'kex' }],
  ['SSH, client first', { hello: 'SSH-2.0-client\r\n', reply: 'SSH-2.0-server\r\n' }],
  ['Redis', { hello: '*1\r\n$4\r\nPING\r\n', reply: '+PONG\r\n' }],
  ['Redis inline', { hello: 'GET key\r\n', reply: '$-1\r\n' }],
  ['NATS', { greeting: 'INFO {}\r\n', hello: 'CONNECT {}\r\nPING\r\n', reply: 'PONG\r\n' }],
  ['Postgres', { hello: hex('00 00 00 08 04 d2 16 2f'), reply: 'N' }],
  ['Kafka', { hello: hex('00 00 00 14 00 12 00 03 00 00'), reply: hex('00 00 00 06') }],
];
for (const meshed of [true, false]) {
  test(`row 10: server-first and other protocols on unnamed ports, within 50 ms, ${meshed ? 'in the mesh' : 'from a plaintext client'}`, async t => {
    for (const [name, { greeting, hello, reply }] of conversations) {
      const app = await tcpServer(socket => {
        if (greeting !== undefined) socket.write(greeting, 'latin1');
        let heard = '';
        socket.on('data', data => {
          heard += data.toString('latin1');
          if (heard === hello) socket.write(reply, 'latin1');
        });
      });
      const mesh = new StaticMesh();
      const clock = new FakeClock();
      const server = mesh.proxy('server', { mtls: 'permissive', clock });
      const client = mesh.proxy('client', { clock });
      mesh.set({ key: '10.0.0.1:3306', endpoints: [mesh.meshed(server, app.port)] });
      const entry = meshed
        ? redirectedOutbound(client.plane, '10.0.0.1', 3306)
        : redirectedInbound(server.plane, app.port);
      const raw = await rawConnection(entry.port);
      await eventually(() => entry.wires.length === 1);
      if (greeting !== undefined) {
        await eventually(() => !meshed || [...client.plane.destinations.clusters][0]?.known === true);
        await clock.advance(49);
        await raw.until(connection => connection.text === greeting || connection.closed);
        assert.equal(raw.text, greeting, name);
      }
      raw.text = '';
      raw.write(hello);
      await raw.until(connection => connection.text === reply || connection.closed);
      assert.equal(raw.text, reply, name);
      closeAll(entry, mesh, app);
    }
    t.diagnostic(`${conversations.length} protocols`);
  });
}

/** The bytes of the first request that an app gets, and its answer's. */
async function rawApp(answer: string): Promise<{ port: number; requests: string[]; close(): void }> {
  const requests: string[] = [];
  const server = await tcpServer(socket => {
    let text = '';
    socket.on('data', data => {
      text += data.toString('latin1');
      if (!text.includes('\r\n\r\n')) return;
      requests.push(text);
      text = '';
      socket.write(answer, 'latin1');
    });
  });
  return { port: server.port, requests, close: server.close };
}

test('row 11: header names, order, case and spacing are the same from app to app', async t => {
  const lines = [
    'Host: app.shop',
    'X-CaMeL:  two  spaces ',
    'x-camel: again',
    'ACCEPT: */*',
    'a:',
    'X-Latin: \xe9\xe8',
  ];
  const answerLines = ['SERVER: Odd', 'set-COOKIE: a=1', 'Set-Cookie: b=2', 'X-Tab:\tx', 'Content-Length: 2'];
  const answer = `HTTP/1.1 200 Fine Indeed\r\n${answerLines.join('\r\n')}\r\n\r\nok`;
  const app = await rawApp(answer);
  const { mesh, port } = pair(app.port);
  t.after(() => closeAll(mesh, app));
  const raw = await rawConnection(port);
  raw.write(`GET http://app.shop/A%2f/%C3%a9//b;c HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
  await raw.until(connection => connection.text.endsWith('ok') || connection.closed);
  assert.equal(raw.text, answer);
  const received = app.requests[0]!.split('\r\n');
  assert.equal(received[0], 'GET /A%2f/%C3%a9//b;c HTTP/1.1');
  assert.deepEqual(received.slice(1, 1 + lines.length), lines);
});

test('row 12: HTTP/1.0 clients are served', async t => {
  const app = await httpServer((_request, response) => {
    response.write('in pieces ');
    response.end('of unknown length');
  });
  const { mesh, port } = pair(app.port);
  t.after(() => closeAll(mesh, app));
  const raw = await rawConnection(port);
  raw.write('GET http://app.shop/ HTTP/1.0\r\n\r\n');
  await raw.until(connection => connection.ended);
  assert.match(raw.text, /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nin pieces of unknown length$/);
  assert.doesNotMatch(raw.text, /transfer-encoding/i);
});

test('row 13: 96 KB of headers and a URL of 64 KB pass; beyond the limit the answer is immediate and counted', async t => {
  const app = await rawApp('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
  const { mesh, client, port } = pair(app.port);
  t.after(() => closeAll(mesh, app));
  const send = async (path: string, headers: string): Promise<string> => {
    const raw = await rawConnection(port);
    raw.write(`GET http://app.shop${path} HTTP/1.1\r\nHost: app.shop\r\n${headers}\r\n`);
    await raw.until(connection => /\r\n\r\n[\s\S]*(ok|\n)$/.test(connection.text) || connection.closed);
    return raw.text;
  };
  const header = (n: number): string => `x-${n}: ${'v'.repeat(1_000)}\r\n`;
  const many = Array.from({ length: 96 }, (_, n) => header(n)).join('');
  assert.match(await send('/', many), /^HTTP\/1\.1 200 OK/);
  assert.equal(app.requests[0]!.includes(many), true);
  const path = `/${'p'.repeat(64 * 1024 - 1)}`;
  assert.match(await send(path, ''), /^HTTP\/1\.1 200 OK/);
  assert.equal(app.requests[1]!.startsWith(`GET ${path} HTTP/1.1\r\n`), true);
  assert.match(await send(`/${'p'.repeat(70_000)}`, ''), /^HTTP\/1\.1 414 /);
  assert.match(await send('/', many + many), /^HTTP\/1\.1 431 /);
  assert.equal(app.requests.length, 2);
  const malformed = [...client.plane.services.counters.malformed.entries()].map(([labels]) => labels);
  assert.deepEqual(malformed, [
    'direction="outbound",fault="target-too-long"',
    'direction="outbound",fault="head-too-large"',
  ]);
});

test('row 14: trailers arrive in both directions at every body size around every power of two', async t => {
  const app = await httpServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      response.setHeader('Trailer', 'X-Back');
      response.write(Buffer.concat(chunks));
      response.addTrailers({ 'X-Back': `${request.trailers['x-sum']}` });
      response.end();
    });
  });
  const { mesh, port } = pair(app.port);
  t.after(() => closeAll(mesh, app));
  const sizes = Array.from({ length: 19 }, (_, k) => [2 ** k - 1, 2 ** k, 2 ** k + 1]).flat();
  await Promise.all(
    [0, 1, 2, 3].map(async worker => {
      for (const size of sizes.filter((_, i) => i % 4 === worker)) {
        const sent = request({
          host: '127.0.0.1',
          port,
          method: 'POST',
          path: 'http://app.shop/',
          headers: { host: 'app.shop', trailer: 'X-Sum' },
          agent: false,
        });
        sent.write(Buffer.alloc(size, 'w'));
        sent.addTrailers({ 'X-Sum': `sum-${size}` });
        sent.end();
        const [response] = (await once(sent, 'response')) as [import('node:http').IncomingMessage];
        let length = 0;
        for await (const chunk of response) length += (chunk as Buffer).length;
        assert.equal(length, size);
        assert.equal(response.trailers['x-back'], `sum-${size}`, `${size} bytes`);
      }
    }),
  );
});

test('row 16: Expect: 100-continue: go-ahead, refusal before the body, redirect, and a client that does not wait', async t => {
  const app = await httpServer(() => {});
  app.server.on('checkContinue', (incoming, response) => {
    const { url } = incoming as { url: string };
    if (url === '/no') response.writeHead(401).end('no');
    else if (url === '/there') response.writeHead(307, { location: '/other' }).end();
    else {
      response.writeContinue();
      incoming.pipe(response);
    }
  });
  const { mesh, port } = pair(app.port);
  t.after(() => closeAll(mesh, app));
  const head = (path: string): string =>
    `POST http://app.shop${path} HTTP/1.1\r\nHost: app.shop\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n`;
  const polite = await rawConnection(port);
  polite.write(head('/yes'));
  await polite.until(connection => connection.text === 'HTTP/1.1 100 Continue\r\n\r\n' || connection.closed);
  polite.write('body');
  await polite.until(connection => connection.text.includes('body') || connection.closed);
  assert.match(polite.text, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/);
  for (const [path, status] of [
    ['/no', 401],
    ['/there', 307],
  ] as const) {
    const refused = await rawConnection(port);
    refused.write(head(path));
    await refused.until(connection => connection.ended);
    assert.match(refused.text, new RegExp(`^HTTP/1\\.1 ${status} `));
  }
  const hasty = await rawConnection(port);
  hasty.write(`${head('/yes')}body`);
  await hasty.until(connection => connection.text.includes('body') || connection.closed);
  assert.match(hasty.text, /HTTP\/1\.1 200 OK/);
});

test('row 18: a POST that an app has read is never sent again, and retries add at most their share', async t => {
  let posts = 0;
  let gets = 0;
  const app = await httpServer((incoming, response) => {
    if (incoming.method === 'POST') posts++;
    else gets++;
    response.statusCode = (posts + gets) % 2 === 0 ? 503 : 200;
    incoming.resume().on('end', () => response.end());
  });
  const mesh = new StaticMesh();
  const client = mesh.proxy('client');
  t.after(() => closeAll(mesh, app));
  mesh.set({
    key: 'half:80',
    endpoints: [mesh.plain(app.port)],
    settings: {
      retryBudget: { ratio: 0.2, minPerSecond: 0, ttlMs: 10_000 },
      outlier: { ...DEFAULT_TRAFFIC.outlier, enabled: false },
    },
    retry: { backoffBaseMs: 1, backoffMaxMs: 2 },
  });
  for (let i = 0; i < 100; i++)
    await ask(client.plane.outboundPort, 'half:80', { method: 'POST', body: 'x' });
  assert.equal(posts, 100);
  const [cluster] = [...client.plane.destinations.clusters];
  for (let i = 0; i < 200; i++) await ask(client.plane.outboundPort, 'half:80');
  assert.ok(cluster!.retries > 20, `${cluster!.retries} retries`);
  assert.equal(gets, 200 + cluster!.retries);
  assert.ok(cluster!.retries <= 300 * 0.2, `${cluster!.retries} retries for 300 requests`);
  assert.ok(cluster!.budget.exhausted > 0);
});

test('row 34: random hosts make no metrics and no destinations without end', async t => {
  const mesh = new StaticMesh();
  const client = mesh.proxy('client');
  t.after(() => closeAll(mesh));
  const long = 'x'.repeat(64);
  await Promise.all(
    Array.from({ length: 8 }, async (_, worker) => {
      for (let i = 0; i < 25; i++) {
        const answer = await ask(client.plane.outboundPort, `${worker}-${i}-${long}:80`, { path: `/${i}` });
        assert.equal(answer.headers['x-weft-flag'], 'DF');
      }
    }),
  );
  assert.equal(client.plane.services.requests.size, 1);
});

test('a reset of the app is a reset for the client, through both proxies and TLS', async t => {
  let app!: Socket;
  const server = await tcpServer(socket => {
    app = socket;
    socket.write('half of it');
  });
  const { mesh, port } = pair(server.port, 'raw:7');
  t.after(() => closeAll(mesh, server));
  const raw = await rawConnection(port);
  await raw.tunnel('raw:7');
  await raw.until(connection => connection.text === 'half of it' || connection.closed);
  app.resetAndDestroy();
  await raw.until(connection => connection.ended || connection.closed);
  assert.equal(raw.ended, false, 'it looks like an orderly end');
  await raw.until(connection => connection.closed);
  assert.equal(raw.error, 'ECONNRESET');
});

test('an answer without a length that is cut off is not taken for a whole one', async t => {
  const server = await tcpServer(socket => {
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\nhalf of it');
      setTimeout(() => socket.resetAndDestroy(), 20);
    });
  });
  const { mesh, port } = pair(server.port);
  t.after(() => closeAll(mesh, server));
  for (const version of ['1.0', '1.1']) {
    const raw = await rawConnection(port);
    raw.write(`GET http://app.shop/ HTTP/${version}\r\nHost: app.shop\r\n\r\n`);
    await raw.until(connection => connection.closed || connection.ended);
    assert.doesNotMatch(raw.text, /0\r\n\r\n$/);
    if (version === '1.0')
      assert.equal(raw.ended, false, 'the end of the connection is the end of the answer');
  }
});
