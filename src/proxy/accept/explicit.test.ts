import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../../time/index.ts';
import { ask, closeAll, httpServer, rawConnection, tcpServer } from '../testing/clients.ts';
import { eventually } from '../testing/redirected.ts';
import { StaticMesh } from '../testing/static-mesh.ts';

/** A proxy that an app names, and an HTTP app that writes down the request lines and hosts it sees. */
async function setUp(key = 'app.shop:80') {
  const mesh = new StaticMesh();
  const seen: string[] = [];
  const app = await httpServer((request, response) => {
    seen.push(
      `${request.method} ${request.url} ${request.rawHeaders[request.rawHeaders.findIndex(each => /^host$/i.test(each)) + 1]}`,
    );
    response.end('ok');
  });
  const client = mesh.proxy('client');
  mesh.set({ key, endpoints: [mesh.plain(app.port)] });
  return { mesh, app, seen, client, port: client.plane.outboundPort };
}

/** Sends bytes and returns everything until the proxy ends. */
async function exchange(port: number, ...pieces: string[]): Promise<string> {
  const raw = await rawConnection(port);
  for (const piece of pieces) {
    raw.write(piece);
    await new Promise(resolve => setImmediate(resolve));
  }
  await raw.until(connection => connection.ended || connection.closed);
  return raw.text;
}

const forms: [string, string, string, string][] = [
  ['a path', 'GET http://app.shop/a/b?c HTTP/1.1', 'Host: app.shop', 'GET /a/b?c app.shop'],
  ['no path', 'GET http://app.shop HTTP/1.1', 'Host: app.shop', 'GET / app.shop'],
  ['a query alone', 'GET http://app.shop?x=1 HTTP/1.1', 'Host: app.shop', 'GET /?x=1 app.shop'],
  ['a port', 'GET http://app.shop:80/ HTTP/1.1', 'Host: app.shop:80', 'GET / app.shop:80'],
  ['capitals', 'GET HTTP://APP.shop/ HTTP/1.1', 'Host: app.SHOP', 'GET / APP.shop'],
  ['OPTIONS without a path', 'OPTIONS http://app.shop HTTP/1.1', 'Host: app.shop', 'OPTIONS * app.shop'],
  ['OPTIONS with a path', 'OPTIONS http://app.shop/ HTTP/1.1', 'Host: app.shop', 'OPTIONS / app.shop'],
  ['origin-form', 'GET /x HTTP/1.1', 'Host: app.shop', 'GET /x app.shop'],
  ['HTTP/1.0 without Host', 'GET http://app.shop/y HTTP/1.0', 'X-A: b', 'GET /y app.shop'],
];
test('absolute-form becomes origin-form, and Host is what the URL says', async t => {
  const { mesh, app, seen, port } = await setUp();
  t.after(() => closeAll(mesh, app));
  for (const [name, line, host, expected] of forms) {
    const answer = await exchange(port, `${line}\r\n${host}\r\nConnection: close\r\n\r\n`);
    assert.match(answer, /^HTTP\/1\.1 200 OK/, name);
    assert.equal(seen.pop(), expected, name);
  }
});

test('a Host that is not the host of the URL is refused', async t => {
  const { mesh, app, seen, port, client } = await setUp();
  t.after(() => closeAll(mesh, app));
  const answer = await exchange(port, 'GET http://app.shop/ HTTP/1.1\r\nHost: other\r\n\r\n');
  assert.match(answer, /^HTTP\/1\.1 400 [\s\S]*host-mismatch/);
  assert.deepEqual(seen, []);
  assert.equal(client.access.records[0]!.flag, 'DPE');
});

test('what is no address, or no http, is refused in words and counted', async t => {
  const { mesh, app, client, port } = await setUp();
  t.after(() => closeAll(mesh, app));
  const bad: [string, RegExp][] = [
    ['GET / HTTP/1.1\r\nHost: a:99999', /'a:99999' is not a host/],
    ['GET / HTTP/1.1\r\nHost: a:0', /'a:0' is not a host/],
    ['GET / HTTP/1.0', /'' is not a host/],
    ['GET https://app.shop/ HTTP/1.1\r\nHost: app.shop', /for https:\/\/ clients use CONNECT/],
  ];
  for (const [head, words] of bad) {
    const answer = await exchange(port, `${head}\r\nConnection: close\r\n\r\n`);
    assert.match(answer, /^HTTP\/1\.1 404 [\s\S]*x-weft-flag: NR/);
    assert.match(answer, words);
  }
  assert.equal(client.access.records.length, bad.length);
  assert.equal(client.plane.services.active, 0);
});

test('a name that is nowhere is answered with DF', async t => {
  const { mesh, app, port } = await setUp();
  t.after(() => closeAll(mesh, app));
  // Longer than a label may be, so that no name server is asked.
  const name = 'a'.repeat(70);
  const answer = await ask(port, `${name}:80`);
  assert.equal(answer.status, 503);
  assert.equal(answer.headers['x-weft-flag'], 'DF');
  assert.match(answer.body, new RegExp(`${name} is no Service of the mesh and DNS says `));
});

test('an address or a name outside of the mesh is passed through', async t => {
  const { mesh, app, port } = await setUp();
  t.after(() => closeAll(mesh, app));
  assert.equal((await ask(port, `localhost:${app.port}`)).body, 'ok');
  assert.equal((await ask(port, `127.0.0.1:${app.port}`)).body, 'ok');
});

test('a CONNECT request may come in any pieces, with bytes for the tunnel behind it', async t => {
  const { mesh, app, port } = await setUp('raw:7');
  const echo = await tcpServer(socket =>
    socket.on('data', data => socket.write(data)).on('end', () => socket.end()),
  );
  t.after(() => closeAll(mesh, app, echo));
  mesh.set({ key: 'raw:7', endpoints: [mesh.plain(echo.port)] });
  const request = 'CONNECT raw:7 HTTP/1.1\r\nHost: raw:7\r\nUser-Agent: test\r\n\r\n';
  for (let cut = 1; cut < request.length; cut += 3) {
    const raw = await rawConnection(port);
    raw.socket.setNoDelay(true);
    raw.write(request.slice(0, cut));
    await new Promise(resolve => setTimeout(resolve, 1));
    raw.write(`${request.slice(cut)}early`);
    await raw.until(connection => connection.text.endsWith('early') || connection.ended);
    assert.match(raw.text, /^HTTP\/1\.1 200 OK\r\n\r\nearly$/, `cut after ${cut}`);
    raw.socket.end();
    await raw.until(connection => connection.ended);
  }
});

test('a CONNECT request that never ends is given up; one that is bad is answered', async t => {
  const mesh = new StaticMesh();
  const clock = new FakeClock();
  const client = mesh.proxy('client', { clock });
  const port = client.plane.outboundPort;
  t.after(() => closeAll(mesh));
  const slow = await rawConnection(port);
  slow.write('CONNECT raw:7 HTTP/1.1\r\n');
  await eventually(() => client.plane.underWay.outbound === 1);
  await new Promise(resolve => setTimeout(resolve, 20));
  await clock.advance(61_000);
  await slow.until(connection => connection.ended);
  assert.match(slow.text, /^HTTP\/1\.1 400 [\s\S]*did not arrive in time/);
  for (const [bad, words] of [
    ['CONNECT raw HTTP/1.1\r\nHost: raw\r\n\r\n', /400 .*[\s\S]*bad-target|400 [\s\S]*host:port/],
    ['CONNECT raw:0 HTTP/1.1\r\nHost: raw\r\n\r\n', /400 [\s\S]*host:port/],
    ['CONNECT raw:7 HTTP/1.1\r\nHost : raw\r\n\r\n', /400 [\s\S]*space between/],
    ['CONNECT raw:7 HTTP/3.1\r\nHost: raw\r\n\r\n', /400 /],
  ] as const)
    assert.match(await exchange(port, bad), words, bad);
  await eventually(() => client.plane.underWay.outbound === 0);
});

test('what a client sent too early does not cost it the answer to its CONNECT', async t => {
  const { mesh, app, port } = await setUp();
  t.after(() => closeAll(mesh, app));
  mesh.set({ key: 'empty:7', endpoints: [], total: 2 });
  for (let i = 0; i < 20; i++) {
    const answer = await exchange(
      port,
      `CONNECT empty:7 HTTP/1.1\r\nHost: empty:7\r\n\r\n${'early '.repeat(5_000)}`,
    );
    assert.match(answer, /^HTTP\/1\.1 503 Service Unavailable\r\nx-weft-flag: UH\r\n[\s\S]*0 of 2/);
    assert.doesNotMatch(answer, /x-weft-untouched/);
  }
});

test('requests of one connection that found no endpoint count for the service they were meant for', async t => {
  const { mesh, app, client, port } = await setUp();
  t.after(() => closeAll(mesh, app));
  mesh.set({ key: 'a:80', endpoints: [] });
  mesh.set({ key: 'b:80', endpoints: [] });
  await exchange(
    port,
    ['a', 'b', 'a'].map(host => `GET http://${host}/ HTTP/1.1\r\nHost: ${host}\r\n\r\n`).join('') +
      'GET http://b/ HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n',
  );
  const counted = [...client.plane.services.requests.values()].map(series => [
    /destination_service="([^"]*)"/.exec(series.labels)?.[1],
    series.requests,
  ]);
  assert.deepEqual(counted.sort(), [
    ['a', 2],
    ['b', 2],
  ]);
});

test('a connection that is neither redirected nor HTTP is closed, with the remedy in the log', async t => {
  const { mesh, app, client, port } = await setUp();
  t.after(() => closeAll(mesh, app));
  const raw = await rawConnection(port);
  raw.write('\x00\x00\x00\x08');
  await raw.until(connection => connection.closed);
  assert.match(client.log.lines.at(-1)!.message, /use HTTP_PROXY, or CONNECT/);
  await eventually(() => client.plane.underWay.outbound === 0);
});

test('by name, too, a Service that nobody tells about is refused with the reason, and what lies outside is passed through', async t => {
  const app = await httpServer((_request, response) => response.end('outside'));
  const mesh = new StaticMesh();
  const clock = new FakeClock();
  const client = mesh.proxy('client', { clock });
  client.plane.apply({ kind: 'trust', key: 'cluster.local', roots: [], serviceRanges: ['10.96.0.0/24'] });
  t.after(() => closeAll(mesh, app));
  const ends: readonly (readonly [to: string, answer: RegExp])[] = [
    ['reviews.shop.svc.cluster.local:80', /^HTTP\/1\.1 503 [\s\S]*NFCF[\s\S]*the name of a Service/],
    ['10.96.0.5:80', /^HTTP\/1\.1 503 [\s\S]*NFCF[\s\S]*the address of a Service/],
    [`127.0.0.1:${app.port}`, /^HTTP\/1\.1 200 [\s\S]*outside/],
  ];
  for (const [to, answer] of ends) {
    mesh.silent.add(to);
    const raw = await rawConnection(client.plane.outboundPort);
    raw.write(`GET http://${to}/ HTTP/1.1\r\nHost: ${to}\r\nConnection: close\r\n\r\n`);
    await eventually(() => [...client.plane.destinations.keys].includes(to));
    await clock.advance(2_100);
    await raw.until(connection => connection.ended || connection.closed);
    assert.match(raw.text, answer);
  }
});
