import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { connect as tlsConnect } from 'node:tls';
import { FakeClock } from '../time/index.ts';
import { CLOSED_PORT } from '../wire/testing/ports.ts';
import { ask, closeAll, httpServer, rawConnection, tcpServer } from './testing/clients.ts';
import { StaticMesh } from './testing/static-mesh.ts';

test('a request goes through two proxies over mesh TLS, and both sides know and count each other', async t => {
  const mesh = new StaticMesh();
  const seen: string[][] = [];
  const app = await httpServer((request, response) => {
    seen.push(request.rawHeaders);
    response.setHeader('X-CamelCase', 'Kept');
    response.end(`hello ${request.url}`);
  });
  const client = mesh.proxy('client');
  const server = mesh.proxy('server');
  t.after(() => closeAll(mesh, app));
  mesh.set({ key: 'server.default:80', endpoints: [mesh.meshed(server, app.port)] });
  const answer = await ask(client.plane.outboundPort, 'server.default:80', {
    path: '/x?y=1',
    headers: ['X-OdD-Case', 'a', 'host', 'server.default:80', 'x-ODD', 'b'],
  });
  assert.equal(answer.status, 200);
  assert.equal(answer.body, 'hello /x?y=1');
  assert.ok(answer.rawHeaders.includes('X-CamelCase'));
  const received = seen[0]!;
  assert.deepEqual(received.slice(0, 6), ['X-OdD-Case', 'a', 'host', 'server.default:80', 'x-ODD', 'b']);
  assert.equal(
    received[received.indexOf('x-forwarded-client-cert') + 1],
    `By=${server.principal};URI=${client.principal}`,
  );
  assert.equal(received[received.indexOf('x-forwarded-for') + 1], '127.0.0.1');
  const [outbound] = [...client.plane.services.requests.values()];
  assert.match(
    outbound!.labels,
    /reporter="source".*source_workload="client".*destination_principal="spiffe:\/\/cluster.local\/ns\/default\/sa\/server".*connection_security_policy="mutual_tls".*response_code="200",response_flags="-"/,
  );
  const [inbound] = [...server.plane.services.requests.values()];
  assert.match(
    inbound!.labels,
    /reporter="destination",source_workload="client".*source_principal="spiffe:\/\/cluster.local\/ns\/default\/sa\/client".*connection_security_policy="mutual_tls"/,
  );
  assert.equal(outbound!.requests, 1);
  assert.equal(inbound!.requests, 1);
  assert.equal(server.access.records[0]!.peer, client.principal);
});

test('a peer that proves another identity than discovery named is refused, and the log says so', async t => {
  const mesh = new StaticMesh();
  const app = await httpServer((_request, response) => response.end('never'));
  const client = mesh.proxy('client');
  const impostor = mesh.proxy('impostor');
  t.after(() => closeAll(mesh, app));
  const endpoint = mesh.meshed(impostor, app.port);
  mesh.set({
    key: 'server:80',
    endpoints: [
      { ...endpoint, peer: { ...endpoint.peer, principal: 'spiffe://cluster.local/ns/default/sa/server' } },
    ],
  });
  const answer = await ask(client.plane.outboundPort, 'server:80');
  assert.equal(answer.status, 503);
  assert.equal(answer.headers['x-weft-flag'], 'UF');
  assert.match(answer.body, /the peer is spiffe:.*sa\/impostor, expected spiffe:.*sa\/server/);
  assert.equal(client.access.records[0]!.flag, 'UF');
});

test('a proxy of another root is refused in words on both sides', async t => {
  const mesh = new StaticMesh();
  const foreign = new StaticMesh();
  const app = await httpServer((_request, response) => response.end('never'));
  const client = mesh.proxy('client');
  const server = foreign.proxy('server');
  t.after(() => closeAll(mesh, foreign, app));
  mesh.set({ key: 'server:80', endpoints: [mesh.meshed(server, app.port)] });
  const answer = await ask(client.plane.outboundPort, 'server:80');
  assert.equal(answer.status, 503);
  assert.match(answer.body, /mesh TLS failed: .*(another root|same mesh)/);
});

test('strict refuses plaintext HTTP with a reason and a remedy, and resets everything else', async t => {
  const mesh = new StaticMesh();
  const server = mesh.proxy('server', { mtls: 'strict' });
  t.after(() => mesh.close());
  const http = await rawConnection(server.plane.inboundPort);
  http.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await http.until(connection => connection.ended);
  assert.match(http.text, /^HTTP\/1\.1 403 Forbidden\r\nx-weft-flag: UAEX/);
  assert.match(http.text, /takes mutual TLS.*label its namespace weft\.dev\/inject=enabled/);
  http.socket.destroy();
  const raw = await rawConnection(server.plane.inboundPort);
  raw.write('\x00\x01binary');
  await raw.until(connection => connection.closed);
  assert.equal(raw.error, 'ECONNRESET');
});

test('an ordinary TLS client without a mesh certificate gets nowhere', async t => {
  const mesh = new StaticMesh();
  const server = mesh.proxy('server');
  t.after(() => mesh.close());
  const client = tlsConnect({
    port: server.plane.inboundPort,
    host: '127.0.0.1',
    rejectUnauthorized: false,
    ALPNProtocols: ['weft/h1'],
  });
  const outcome = await new Promise<string>(resolve => {
    client.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    client.on('close', () => resolve('closed'));
    client.on('data', data => resolve(`got ${data}`));
    client.on('secureConnect', () => client.write('WEFT/1 {"port":80}\nGET / HTTP/1.1\r\nHost: a\r\n\r\n'));
  });
  assert.doesNotMatch(outcome, /^got/);
});

test('a CONNECT tunnel carries a server that speaks first, half-close included', async t => {
  const mesh = new StaticMesh();
  const tcp = await tcpServer(socket => {
    socket.write('220 hello\r\n');
    let heard = '';
    socket.on('data', data => {
      heard += data.toString();
    });
    socket.on('end', () => socket.end(`bye after ${heard}`));
  });
  const client = mesh.proxy('client');
  const server = mesh.proxy('server');
  t.after(() => closeAll(mesh, tcp));
  mesh.set({ key: 'mail:25', endpoints: [mesh.meshed(server, tcp.port)] });
  const raw = await rawConnection(client.plane.outboundPort);
  await raw.tunnel('mail:25');
  await raw.until(connection => connection.text === '220 hello\r\n');
  raw.write('EHLO');
  raw.socket.end();
  await raw.until(connection => connection.ended);
  assert.equal(raw.text, '220 hello\r\nbye after EHLO');
  await raw.until(connection => connection.closed);
});

test('a WebSocket-like upgrade becomes a tunnel through both proxies', async t => {
  const mesh = new StaticMesh();
  const app = await httpServer(() => {});
  app.server.on('upgrade', (_request, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
    socket.on('data', (data: Buffer) => socket.write(`<${data}>`));
    socket.on('end', () => socket.end());
  });
  const client = mesh.proxy('client');
  const server = mesh.proxy('server');
  t.after(() => closeAll(mesh, app));
  mesh.set({ key: 'ws:80', endpoints: [mesh.meshed(server, app.port)], timeoutMs: 1_000 });
  const raw = await rawConnection(client.plane.outboundPort);
  raw.write('GET http://ws:80/chat HTTP/1.1\r\nHost: ws:80\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
  await raw.until(connection => connection.text.includes('\r\n\r\n'));
  assert.match(raw.text, /^HTTP\/1\.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n/);
  raw.text = '';
  await new Promise(resolve => setTimeout(resolve, 1_250));
  raw.write('ping');
  await raw.until(connection => connection.text === '<ping>');
  raw.socket.end();
  await raw.until(connection => connection.closed);
  while (client.access.records.length === 0) await new Promise(resolve => setTimeout(resolve, 5));
  assert.equal(client.access.records[0]!.flag, '');
});

test('an idempotent request is tried again elsewhere, a POST that was read is not', async t => {
  const mesh = new StaticMesh();
  let calls = 0;
  const bad = await tcpServer(socket => {
    socket.once('data', () => {
      calls++;
      socket.destroy();
    });
  });
  const good = await httpServer((_request, response) => response.end('good'));
  const client = mesh.proxy('client');
  t.after(() => closeAll(mesh, bad, good));
  const outlier = { ...(await import('../model/index.ts')).DEFAULT_TRAFFIC.outlier, enabled: false };
  mesh.set({
    key: 'mixed:80',
    endpoints: [mesh.plain(bad.port), mesh.plain(good.port)],
    settings: { outlier, balancer: { kind: 'round-robin' } },
  });
  for (let i = 0; i < 4; i++) assert.equal((await ask(client.plane.outboundPort, 'mixed:80')).body, 'good');
  assert.ok(calls >= 2);
  calls = 0;
  const statuses: number[] = [];
  for (let i = 0; i < 4; i++)
    statuses.push((await ask(client.plane.outboundPort, 'mixed:80', { method: 'POST', body: 'x' })).status);
  assert.ok(calls >= 1);
  assert.equal(
    statuses.filter(status => status === 503).length,
    calls,
    'a POST that the app had read was repeated',
  );
});

test('connect failures are retried for every method, and an unready Service says how many are ready', async t => {
  const mesh = new StaticMesh();
  const good = await httpServer((request, response) => request.pipe(response));
  const client = mesh.proxy('client');
  t.after(() => closeAll(mesh, good));
  mesh.set({
    key: 'half:80',
    endpoints: [mesh.plain(CLOSED_PORT), mesh.plain(good.port)],
    settings: { balancer: { kind: 'round-robin' } },
  });
  for (let i = 0; i < 4; i++)
    assert.equal(
      (await ask(client.plane.outboundPort, 'half:80', { method: 'POST', body: 'once' })).body,
      'once',
    );
  mesh.set({ key: 'empty:80', endpoints: [], total: 3 });
  const answer = await ask(client.plane.outboundPort, 'empty:80');
  assert.equal(answer.status, 503);
  assert.equal(answer.headers['x-weft-flag'], 'UH');
  assert.match(answer.body, /no endpoint of empty:80 is ready \(0 of 3\)/);
});

test('time limits answer 504 with UT, for the request and for each try', async t => {
  const mesh = new StaticMesh();
  let calls = 0;
  const slow = await httpServer((_request, _response) => {
    calls++;
  });
  const client = mesh.proxy('client');
  t.after(() => closeAll(mesh, slow));
  mesh.set({ key: 'slow:80', endpoints: [mesh.plain(slow.port)], timeoutMs: 80 });
  const whole = await ask(client.plane.outboundPort, 'slow:80');
  assert.equal(whole.status, 504);
  assert.equal(whole.headers['x-weft-flag'], 'UT');
  assert.equal(calls, 1);
  mesh.set({
    key: 'tries:80',
    endpoints: [mesh.plain(slow.port)],
    retry: { perTryTimeoutMs: 30, attempts: 2, backoffBaseMs: 1 },
  });
  const tries = await ask(client.plane.outboundPort, 'tries:80');
  assert.equal(tries.status, 504);
  assert.equal(calls, 4);
  assert.match(tries.body, /after 3 tries/);
});

test('requests over the pending limit are refused at once with UO', async t => {
  const mesh = new StaticMesh();
  const slow = await httpServer((_request, response) => setTimeout(() => response.end('late'), 150));
  const client = mesh.proxy('client');
  t.after(() => closeAll(mesh, slow));
  mesh.set({
    key: 'narrow:80',
    endpoints: [mesh.plain(slow.port)],
    settings: {
      limits: { maxConnections: 1, maxPendingRequests: 1, maxRequests: 100, maxRequestsPerConnection: 0 },
    },
  });
  const answers = await Promise.all([1, 2, 3, 4].map(() => ask(client.plane.outboundPort, 'narrow:80')));
  assert.deepEqual(answers.map(answer => answer.status).sort(), [200, 200, 503, 503]);
  const refused = answers.filter(answer => answer.status === 503);
  assert.ok(
    refused.every(answer => answer.headers['x-weft-flag'] === 'UO' && answer.headers['retry-after'] === '1'),
  );
});

test('a failing endpoint is ejected, gets nothing, and comes back; the last one never goes', async t => {
  const mesh = new StaticMesh();
  const { DEFAULT_TRAFFIC } = await import('../model/index.ts');
  let failing = true;
  const counts = { a: 0, b: 0 };
  const a = await httpServer((_request, response) => {
    counts.a++;
    response.statusCode = failing ? 500 : 200;
    response.end('a');
  });
  const b = await httpServer((_request, response) => {
    counts.b++;
    response.statusCode = failing ? 500 : 200;
    response.end('b');
  });
  // The ejection must not be over before the last of the requests that it keeps away, however slow they are.
  const clock = new FakeClock();
  const client = mesh.proxy('client', { clock });
  t.after(() => closeAll(mesh, a, b));
  const outlier = { ...DEFAULT_TRAFFIC.outlier, consecutive5xx: 3, baseEjectionTimeMs: 200, intervalMs: 100 };
  mesh.set({
    key: 'flaky:80',
    endpoints: [mesh.plain(a.port), mesh.plain(b.port)],
    settings: { outlier, balancer: { kind: 'round-robin' } },
  });
  for (let i = 0; i < 12; i++) assert.equal((await ask(client.plane.outboundPort, 'flaky:80')).status, 500);
  const [cluster] = [...client.plane.destinations.clusters];
  assert.equal(cluster!.healthy, 1);
  assert.equal(Math.min(counts.a, counts.b), 3, 'the ejected endpoint went on receiving');
  failing = false;
  await clock.advance(300);
  assert.equal(cluster!.healthy, 2);
  const before = { ...counts };
  for (let i = 0; i < 4; i++) assert.equal((await ask(client.plane.outboundPort, 'flaky:80')).status, 200);
  assert.deepEqual({ a: counts.a - before.a, b: counts.b - before.b }, { a: 2, b: 2 });
});

test('the idle keep-alive race: GET and POST never fail against an upstream that closes idle connections', async t => {
  const mesh = new StaticMesh();
  const bodies: string[] = [];
  // Without a Keep-Alive header, so that the proxy cannot know.
  const app = await tcpServer(socket => {
    let waiting: NodeJS.Timeout | undefined;
    socket.on('data', data => {
      clearTimeout(waiting);
      bodies.push(data.toString());
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      waiting = setTimeout(() => socket.destroy(), 20);
    });
  });
  const client = mesh.proxy('client', { staleAfterMs: 10 });
  t.after(() => closeAll(mesh, app));
  mesh.set({ key: 'race:80', endpoints: [mesh.plain(app.port)] });
  const statuses: number[] = [];
  for (let i = 0; i < 120; i++) {
    const method = i % 2 === 0 ? 'GET' : 'POST';
    statuses.push(
      (
        await ask(client.plane.outboundPort, 'race:80', {
          method,
          body: method === 'POST' ? `#${i}` : undefined,
        })
      ).status,
    );
    await new Promise(resolve => setTimeout(resolve, 18 + (i % 5)));
  }
  assert.deepEqual(
    statuses.filter(status => status !== 200),
    [],
  );
  assert.equal(bodies.length, 120, 'a request reached the app twice');
});

test('large bodies stream both ways without being collected, and trailers arrive', async t => {
  const mesh = new StaticMesh();
  const app = await httpServer((request, response) => {
    response.setHeader('Trailer', 'X-Sum');
    let sum = 0;
    request.on('data', (chunk: Buffer) => {
      sum += chunk.length;
      if (!response.write(chunk)) request.pause();
    });
    response.on('drain', () => request.resume());
    request.on('end', () => {
      response.addTrailers({ 'X-Sum': String(sum) });
      response.end();
    });
  });
  const client = mesh.proxy('client');
  const server = mesh.proxy('server');
  t.after(() => closeAll(mesh, app));
  mesh.set({ key: 'echo:80', endpoints: [mesh.meshed(server, app.port)] });
  const body = Buffer.alloc(8 << 20, 'weft');
  const answer = await ask(client.plane.outboundPort, 'echo:80', { method: 'POST', body });
  assert.equal(answer.body.length, body.length);
  assert.ok(Buffer.from(answer.body).equals(body));
  assert.equal(answer.trailers['x-sum'], String(body.length));
});

test('a client that breaks its connection frees the upstream and is counted as DC', async t => {
  const mesh = new StaticMesh();
  let aborted = 0;
  const app = await httpServer((request, _response) => {
    request.on('close', () => {
      aborted++;
    });
  });
  const client = mesh.proxy('client');
  t.after(() => closeAll(mesh, app));
  mesh.set({ key: 'wait:80', endpoints: [mesh.plain(app.port)] });
  const raw = await rawConnection(client.plane.outboundPort);
  raw.write('GET http://wait:80/ HTTP/1.1\r\nHost: wait:80\r\n\r\n');
  await once(app.server, 'request');
  raw.socket.resetAndDestroy();
  while (aborted === 0) await new Promise(resolve => setTimeout(resolve, 5));
  assert.equal(client.access.records[0]!.flag, 'DC');
  assert.equal(client.plane.services.active, 0);
});

test('draining answers ask the client to close, and outbound goes on', async t => {
  const mesh = new StaticMesh();
  const app = await httpServer((_request, response) => response.end('ok'));
  const client = mesh.proxy('client');
  t.after(() => closeAll(mesh, app));
  mesh.set({ key: 'app:80', endpoints: [mesh.plain(app.port)] });
  assert.equal((await ask(client.plane.outboundPort, 'app:80')).status, 200);
  client.plane.drain();
  const answer = await ask(client.plane.outboundPort, 'app:80');
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.connection, 'close');
});

test('a client whose address is hashed keeps its endpoint, whatever it speaks', async t => {
  const mesh = new StaticMesh();
  const apps = await Promise.all(
    ['a', 'b', 'c'].map(name => tcpServer(socket => socket.on('data', () => socket.end(name)))),
  );
  const client = mesh.proxy('client');
  t.after(() => closeAll(mesh, ...apps));
  const balancer = { kind: 'ring-hash', hash: [{ kind: 'source-ip' }] } as const;
  mesh.set({ key: 'db:80', endpoints: apps.map(({ port }) => mesh.plain(port)), settings: { balancer } });
  const seen = new Set<string>();
  for (let i = 0; i < 12; i++) {
    const raw = await rawConnection(client.plane.outboundPort);
    await raw.tunnel('db:80');
    raw.write('who');
    await raw.until(({ text, closed }) => closed || text !== '');
    seen.add(raw.text);
  }
  assert.equal(seen.size, 1, [...seen].join());
});
