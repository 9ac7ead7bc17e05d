// What a gateway asks of its clients, by real proxies and real sockets.
import assert from 'node:assert/strict';
import type { IncomingMessage, RequestListener } from 'node:http';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import type { EdgePolicy } from '../../model/index.ts';
import type { FakeClock } from '../../time/index.ts';
import { type Answer, type Ask, ask, httpServer } from '../testing/clients.ts';
import { resourceOf, StaticMesh, type TestProxy } from '../testing/static-mesh.ts';
import { edgeFilters } from './index.ts';

interface Place {
  readonly gateway: TestProxy;
  readonly mesh: StaticMesh;
  readonly seen: IncomingMessage[];
  readonly ask: (options?: Ask) => Promise<Answer>;
  /** The raw bytes of an answer's body. */
  readonly bytes: (
    options: Ask,
  ) => Promise<{ readonly headers: Record<string, string>; readonly body: Buffer }>;
}

async function place(
  t: TestContext,
  edge: EdgePolicy,
  app?: RequestListener,
  clock?: FakeClock,
): Promise<Place> {
  const mesh = new StaticMesh();
  const seen: IncomingMessage[] = [];
  const server = await httpServer((request, response) => {
    seen.push(request);
    if (app !== undefined) app(request, response);
    else request.resume().on('end', () => response.end('fine'));
  });
  const gateway = mesh.proxy('gateway', { edge: edgeFilters, ...(clock && { clock }) });
  t.after(() => {
    mesh.close();
    server.close();
  });
  mesh.set({ key: 'app:80', endpoints: [mesh.plain(server.port)], route: { edge } });
  return {
    gateway,
    mesh,
    seen,
    ask: options => ask(gateway.plane.outboundPort, 'app:80', options),
    bytes: async ({ path = '/', headers = {} }) => {
      const response = await fetchRaw(gateway.plane.outboundPort, path, headers as Record<string, string>);
      return response;
    },
  };
}

/** node:http decodes texts; the bytes of compressed ones are wanted as they are. */
function fetchRaw(
  port: number,
  path: string,
  headers: Record<string, string>,
): Promise<{ headers: Record<string, string>; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(
      `GET http://app:80${path} HTTP/1.1\r\nhost: app:80\r\nconnection: close\r\n${lines.join('')}\r\n`,
    );
    const pieces: Buffer[] = [];
    socket.on('data', piece => pieces.push(piece)).on('error', reject);
    socket.on('end', () => {
      const all = Buffer.concat(pieces);
      const split = all.indexOf('\r\n\r\n');
      const head = all.toString('latin1', 0, split).split('\r\n').slice(1);
      const fields = Object.fromEntries(
        head.map(line => line.toLowerCase().split(': ', 2) as [string, string]),
      );
      const body = all.subarray(split + 4);
      resolve({ headers: fields, body: fields['transfer-encoding'] === 'chunked' ? unchunked(body) : body });
    });
  });
}

function unchunked(bytes: Buffer): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; ; ) {
    const line = bytes.indexOf('\r\n', at);
    const length = Number.parseInt(bytes.toString('latin1', at, line), 16);
    if (!(length > 0)) return Buffer.concat(pieces);
    pieces.push(bytes.subarray(line + 2, line + 2 + length));
    at = line + 2 + length + 2;
  }
}

test('a body that is too long is answered 413, by its length at once and otherwise when too much has come', async t => {
  const at = await place(t, { body: { maxBytes: 10 } });
  assert.equal((await at.ask({ method: 'POST', body: 'x'.repeat(10) })).status, 200);
  assert.equal((await at.ask({ method: 'POST', body: 'x'.repeat(11) })).status, 413);
  assert.equal(at.seen.length, 1, 'the app has not seen it');
  const chunked = { 'transfer-encoding': 'chunked' };
  assert.equal((await at.ask({ method: 'POST', body: 'x'.repeat(10), headers: chunked })).status, 200);
  assert.equal((await at.ask({ method: 'POST', body: 'x'.repeat(11), headers: chunked })).status, 413);
  assert.equal((await at.ask()).status, 200);
  const free = await place(t, { body: { maxBytes: 0 } });
  assert.equal((await free.ask({ method: 'POST', body: 'x'.repeat(100_000) })).status, 200);
});

test('addresses: the first range that has the client decides', async t => {
  const otherwise = await place(t, {
    addresses: { rules: [{ range: '10.0.0.0/8', allow: true }], otherwise: false },
  });
  assert.equal((await otherwise.ask()).status, 403);
  const denied = await place(t, {
    addresses: {
      rules: [
        { range: '127.0.0.1', allow: false },
        { range: '127.0.0.0/8', allow: true },
      ],
      otherwise: true,
    },
  });
  assert.equal((await denied.ask()).status, 403);
  const allowed = await place(t, {
    addresses: { rules: [{ range: '127.0.0.0/8', allow: true }], otherwise: false },
  });
  assert.equal((await allowed.ask()).status, 200);
});

/** Of `secret`, by openssl passwd -apr1, -1, -5 and -6, and openssl sha1. */
const hashes = {
  apr1: '$apr1$7yXrLmwK$PDJAsmOVYrMzCib.J.NGl/',
  sha: '{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=',
  md5: '$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1',
  'sha-256': '$5$abcdefgh$gruCpC7VkOTspMQTTSAR8mtlO9Upms.fwqE5y16JVM.',
  'sha-512':
    '$6$abcdefgh$ltjgWl6579NluT/Vi1nwEvcil.G5Nbc4NiXZaNGStk8PSwGfQv72N2CKPPrVACtLtip/cZ/1GM/O6IND4WQhG.',
};

const login = (user: string, password: string): { authorization: string } => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
});

for (const [kind, hash] of Object.entries(hashes)) {
  test(`basic authentication by ${kind}`, async t => {
    const at = await place(t, { basicAuth: { realm: 'the "shop"', users: { alice: hash } } });
    const without = await at.ask();
    assert.deepEqual(
      [without.status, without.headers['www-authenticate']],
      [401, 'Basic realm="the \\"shop\\""'],
    );
    assert.equal((await at.ask({ headers: login('alice', 'wrong') })).status, 401);
    assert.equal((await at.ask({ headers: login('bob', 'secret') })).status, 401);
    assert.equal((await at.ask({ headers: login('alice', 'secret') })).status, 200);
    assert.deepEqual(
      at.seen.map(each => each.headers.authorization),
      [undefined],
      'the app never sees it',
    );
  });
}

test('basic authentication by bcrypt, whose answers are remembered', async t => {
  const { hash } = (await import('bcryptjs' as string)) as {
    hash(text: string, rounds: number): Promise<string>;
  };
  const users = { alice: (await hash('secret', 4)).replace('$2b$', '$2y$') };
  const at = await place(t, { basicAuth: { realm: 'shop', users, forward: true } });
  const [right, wrong] = [login('alice', 'secret'), login('alice', 'wrong')];
  const answers = await Promise.all([right, wrong, right, wrong].map(headers => at.ask({ headers })));
  assert.deepEqual(
    answers.map(each => each.status),
    [200, 401, 200, 401],
  );
  assert.equal((await at.ask({ headers: right })).status, 200);
  assert.equal(at.seen[0]!.headers.authorization, right.authorization);
});

test('nobody gets in where there are no users to ask for', async t => {
  const at = await place(t, {
    basicAuth: { realm: 'shop', users: {}, why: 'Secret shop/users does not exist' },
  });
  assert.equal((await at.ask({ headers: login('alice', 'secret') })).status, 503);
  assert.match(at.gateway.access.records[0]!.detail, /Secret shop\/users does not exist/);
});

test('satisfy any: an address or a password suffices, and 401 goes before 403', async t => {
  const basicAuth = { realm: 'shop', users: { alice: hashes.sha } };
  const far = { rules: [{ range: '10.0.0.0/8', allow: true }], otherwise: false };
  const near = { rules: [{ range: '127.0.0.0/8', allow: true }], otherwise: false };
  const any = await place(t, { satisfy: 'any', addresses: far, basicAuth });
  assert.equal((await any.ask()).status, 401);
  assert.equal((await any.ask({ headers: login('alice', 'secret') })).status, 200);
  const byAddress = await place(t, { satisfy: 'any', addresses: near, basicAuth });
  assert.equal((await byAddress.ask()).status, 200);
  const all = await place(t, { addresses: far, basicAuth });
  assert.equal((await all.ask({ headers: login('alice', 'secret') })).status, 403);
});

test('auth_request: 2xx lets pass with its fields, 401 and 403 are told, all else is 500', async t => {
  const at = await place(t, {
    authRequest: {
      url: 'http://auth:80/verify?from=$host',
      responseHeaders: ['x-user'],
      requestHeaders: [['x-extra', '$request_method $arg_a']],
    },
  });
  let status = 200;
  const asked: IncomingMessage[] = [];
  const auth = await httpServer((request, response) => {
    asked.push(request);
    response.writeHead(status, {
      'x-user': 'alice',
      'set-cookie': 'session=1',
      'www-authenticate': 'Bearer realm="x"',
    });
    response.end('no');
  });
  t.after(() => auth.close());
  at.mesh.set({ key: 'auth:80', endpoints: [at.mesh.plain(auth.port)] });
  const passed = await at.ask({
    method: 'POST',
    body: 'hello',
    path: '/a?a=1',
    headers: { 'x-user': 'root', X_User: 'root', cookie: 'c=1' },
  });
  assert.deepEqual([passed.status, passed.headers['set-cookie']], [200, ['session=1']]);
  assert.equal(at.seen[0]!.headers['x-user'], 'alice');
  assert.equal(at.seen[0]!.headers.x_user, undefined);
  const [{ method, url, headers }] = asked as [IncomingMessage];
  assert.deepEqual(
    [method, url, headers.host, headers.cookie, headers['content-length'], headers['x-extra']],
    ['GET', '/verify?from=app', 'auth:80', 'c=1', undefined, 'POST 1'],
  );
  assert.deepEqual(
    [
      headers['x-original-url'],
      headers['x-original-method'],
      headers['x-auth-request-redirect'],
      headers['x-real-ip'],
    ],
    ['http://app:80/a?a=1', 'POST', '/a?a=1', '127.0.0.1'],
  );
  for (const [told, want] of [
    [401, 401],
    [403, 403],
    [404, 500],
    [302, 500],
    [503, 500],
  ] as const) {
    status = told;
    const answer = await at.ask();
    assert.equal(answer.status, want, `told ${told}`);
    assert.equal(answer.headers['www-authenticate'], told === 401 ? 'Bearer realm="x"' : undefined);
  }
  assert.equal(at.seen.length, 1);
  auth.close();
  assert.equal((await at.ask()).status, 500, 'who cannot be asked lets nobody in');
});

test('auth_request: who is not logged in is sent to sign in, and answers are remembered by a key', async t => {
  const at = await place(t, {
    authRequest: {
      url: 'http://auth:80/verify',
      signIn: 'https://login.example.com/start',
      cache: { key: '$http_cookie', ttlMs: { '200': 60_000 } },
    },
  });
  let asked = 0;
  const auth = await httpServer((request, response) => {
    asked++;
    response.writeHead(request.headers.cookie === 'ok' ? 202 : 401).end();
    if (request.headers.cookie === 'kept') response.statusCode = 200;
  });
  t.after(() => auth.close());
  at.mesh.set({ key: 'auth:80', endpoints: [at.mesh.plain(auth.port)] });
  const sent = await at.ask({ path: '/a?b=c' });
  assert.deepEqual(
    [sent.status, sent.headers.location],
    [302, 'https://login.example.com/start?rd=http://app:80%2Fa%3Fb%3Dc'],
  );
  await at.ask({ headers: { cookie: 'ok' } });
  await at.ask({ headers: { cookie: 'ok' } });
  assert.equal(asked, 3, '202 has no row and is not remembered');
});

test('auth_request: an answer with a row is remembered, and asked for anew when that is over', async t => {
  const at = await place(t, {
    authRequest: { url: 'http://auth:80/', cache: { key: '$http_cookie', ttlMs: { '200': 60_000 } } },
  });
  let asked = 0;
  const auth = await httpServer((_, response) => {
    asked++;
    response.end();
  });
  t.after(() => auth.close());
  at.mesh.set({ key: 'auth:80', endpoints: [at.mesh.plain(auth.port)] });
  for (const cookie of ['a', 'a', 'b', 'a'])
    assert.equal((await at.ask({ headers: { cookie } })).status, 200);
  assert.equal(asked, 2);
});

test('auth_request: what is remembered of one route opens no other, nor what another URL guards', async t => {
  const to = (url: string): EdgePolicy => ({
    authRequest: { url, cache: { key: '$http_cookie', ttlMs: { '200': 60_000 } } },
  });
  const at = await place(t, to('http://auth:80/one'));
  const guards = await httpServer(({ url }, response) =>
    response.writeHead(url === '/one' ? 200 : 403).end(),
  );
  const open = await httpServer((_, response) => response.end());
  t.after(() => {
    guards.close();
    open.close();
  });
  at.mesh.set({ key: 'auth:80', endpoints: [at.mesh.plain(guards.port)] });
  const asApp = (edge: EdgePolicy, key: string): void =>
    at.mesh.set({ key, endpoints: [at.mesh.plain(open.port)], route: { edge, name: key } });
  const headers = { cookie: 'a' };
  assert.equal((await at.ask({ headers })).status, 200);
  asApp(to('http://auth:80/two'), 'other:80');
  assert.equal((await ask(at.gateway.plane.outboundPort, 'other:80', { headers })).status, 403);
  asApp(to('http://auth:80/two'), 'app:80');
  assert.equal((await at.ask({ headers })).status, 403);
});

test('limits for each client: rate and burst as nginx has them, 503 beyond', async t => {
  const limit = {
    zone: 'shop',
    key: { kind: 'header', name: 'x-client' },
    perSecond: 1 / 60,
    burst: 2,
    delay: false,
  } as const;
  const at = await place(t, { clientLimits: [limit] });
  const statuses: number[] = [];
  for (let i = 0; i < 5; i++) statuses.push((await at.ask({ headers: { 'x-client': 'a' } })).status);
  assert.deepEqual(statuses, [200, 200, 200, 503, 503]);
  assert.equal(
    (await at.ask({ headers: { 'x-client': 'b' } })).status,
    200,
    'another client has a bucket of its own',
  );
  assert.equal((await at.ask()).status, 200, 'who has no key is not limited');
  const free = await place(t, {
    clientLimits: [{ ...limit, key: { kind: 'address' }, burst: 0, except: ['127.0.0.0/8'] }],
  });
  for (let i = 0; i < 3; i++) assert.equal((await free.ask()).status, 200);
});

test('requests under way of one client are counted until they are over', async t => {
  let release: (() => void)[] = [];
  const at = await place(
    t,
    { clientConnections: [{ zone: 'shop', key: { kind: 'address' }, max: 1 }] },
    (_, response) => void release.push(() => response.end()),
  );
  const first = at.ask();
  while (release.length === 0) await new Promise(setImmediate);
  assert.equal((await at.ask()).status, 503);
  for (const each of release) each();
  release = [];
  assert.equal((await first).status, 200);
  const again = at.ask();
  while (release.length === 0) await new Promise(setImmediate);
  for (const each of release) each();
  assert.equal((await again).status, 200);
});

const decoders = { gzip: gunzipSync, br: brotliDecompressSync, zstd: zstdDecompressSync } as const;

for (const [encoding, decode] of Object.entries(decoders)) {
  for (const chunked of [false, true]) {
    test(`answers are compressed by ${encoding}, ${chunked ? 'streamed' : 'of known length'}`, async t => {
      const text = 'hello, world. '.repeat(5000);
      const at = await place(
        t,
        { compression: { encodings: ['zstd', 'br', 'gzip'], minBytes: 20, types: ['text/html'] } },
        (_, response) => {
          response.setHeader('content-type', 'text/html; charset=utf-8').setHeader('etag', '"1"');
          if (!chunked) response.setHeader('content-length', text.length);
          response.write(text.slice(0, 100));
          response.end(text.slice(100));
        },
      );
      const { headers, body } = await at.bytes({
        headers: { 'accept-encoding': `identity, ${encoding};q=0.5` },
      });
      assert.deepEqual(
        [headers['content-encoding'], headers.vary, headers.etag, headers['content-length']],
        [encoding, 'accept-encoding', 'w/"1"', undefined],
      );
      assert.equal(decode(body).toString(), text);
      assert.ok(body.length < text.length / 10);
    });
  }
}

test('what is short, of another type, compressed already or not asked for stays as it is', async t => {
  const at = await place(
    t,
    { compression: { encodings: ['gzip'], minBytes: 20, types: ['text/html'] } },
    ({ url }, response) => {
      response.setHeader('content-type', url === '/png' ? 'image/png' : 'text/html');
      if (url === '/done') response.setHeader('content-encoding', 'br');
      const body = url === '/short' ? 'short' : 'x'.repeat(100);
      response.setHeader('content-length', body.length).end(body);
    },
  );
  const accept = { 'accept-encoding': 'gzip' };
  for (const path of ['/png', '/done', '/short'])
    assert.notEqual((await at.bytes({ path, headers: accept })).headers['content-encoding'], 'gzip', path);
  for (const told of ['br', 'gzip;q=0', 'identity'])
    assert.equal(
      (await at.bytes({ headers: { 'accept-encoding': told } })).headers['content-encoding'],
      undefined,
    );
  assert.equal((await at.bytes({ headers: accept })).headers['content-encoding'], 'gzip');
});

test('pages for errors: of the upstream and of Weft itself, by a Service that is told of them', async t => {
  const pages = [
    {
      statuses: [404, 503],
      service: { host: 'pages', port: 80, headers: [['x-namespace', 'shop']] as const },
    },
    { statuses: [418], body: '<p>tea</p>', status: 200, fields: [['x-pot', 'short']] as const },
    { statuses: [409], ownOnly: true, body: 'never' },
  ];
  const at = await place(
    t,
    { errorPages: pages },
    ({ url }, response) => void response.writeHead(Number(url!.slice(1, 4))).end('own words'),
  );
  const asked: IncomingMessage[] = [];
  const maker = await httpServer((request, response) => {
    asked.push(request);
    response
      .writeHead(Number(request.headers['x-code']), { 'content-type': 'text/html' })
      .end('<h1>sorry</h1>');
  });
  t.after(() => maker.close());
  at.mesh.set({ key: 'pages:80', endpoints: [at.mesh.plain(maker.port)] });
  const answer = await at.ask({ path: '/404?x', headers: { accept: 'text/html' } });
  assert.deepEqual(
    [answer.status, answer.body, answer.headers['content-type']],
    [404, '<h1>sorry</h1>', 'text/html'],
  );
  const [{ headers }] = asked as [IncomingMessage];
  assert.deepEqual(
    [headers['x-code'], headers['x-format'], headers['x-original-uri'], headers['x-namespace']],
    ['404', 'text/html', '/404?x', 'shop'],
  );
  assert.equal((await at.ask({ path: '/200' })).body, 'own words');
  const own = await at.ask({ path: '/418' });
  assert.deepEqual([own.status, own.body, own.headers['x-pot']], [200, '<p>tea</p>', 'short']);
  assert.equal((await at.ask({ path: '/409' })).body, 'own words', 'a page for answers of Weft’s own');
  at.mesh.set({ key: 'app:80', endpoints: [], route: { edge: { errorPages: pages } } });
  assert.deepEqual((await at.ask()).body, '<h1>sorry</h1>', 'Weft’s own 503 as well');
  maker.close();
  const without = await at.ask();
  assert.deepEqual([without.status, without.body], [503, ''], 'without its maker the status is left');
});

test('a proxy that is no gateway refuses routes that ask something of the clients of an edge', async t => {
  const mesh = new StaticMesh();
  const sidecar = mesh.proxy('sidecar');
  const server = await httpServer((_, response) => void response.end('fine'));
  t.after(() => {
    mesh.close();
    server.close();
  });
  const refusals: string[] = [];
  mesh.onRefused = why => void refusals.push(why);
  const resource = resourceOf({ key: 'app:80', endpoints: [], route: { edge: { body: { maxBytes: 1 } } } });
  const endpoints = {
    kind: 'endpoints',
    key: 'app:80',
    endpoints: [mesh.plain(server.port)],
    total: 1,
  } as const;
  mesh.resources.set('app:80', [resource, endpoints]);
  const answer = await ask(sidecar.plane.outboundPort, 'app:80');
  assert.equal(answer.status, 503);
  assert.match(refusals.join(), /is for gateways, and this proxy is none/);
});
