import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { createSecureContext, connect as tlsConnect } from 'node:tls';
import { parseSpiffe } from '../../model/index.ts';
import { FakeClock } from '../../time/index.ts';
import { clientHello } from '../../tls/testing/hellos.ts';
import { CLOSED_PORT } from '../../wire/testing/ports.ts';
import { ask, closeAll, httpServer, rawConnection, tcpServer } from '../testing/clients.ts';
import { eventually, redirectedInbound } from '../testing/redirected.ts';
import { credentialsOf, StaticMesh } from '../testing/static-mesh.ts';

/** A TCP app that sends back what it gets. */
const echo = () =>
  tcpServer(socket => socket.on('data', data => socket.write(data)).on('end', () => socket.end()));

test("an app's own TLS goes through whole, also when its hello comes in pieces, and is never timed", async t => {
  const mesh = new StaticMesh();
  const app = await echo();
  const clock = new FakeClock();
  const server = mesh.proxy('server', { mtls: 'permissive', clock });
  const inbound = redirectedInbound(server.plane, app.port);
  t.after(() => closeAll(inbound, mesh, app));
  const hello = clientHello({ serverName: 'app.example', protocols: ['h2', 'http/1.1'] });
  const raw = await rawConnection(inbound.port);
  raw.write(hello.subarray(0, 50));
  await eventually(() => inbound.wires[0]?.bytesRead === 50);
  raw.write(hello.subarray(50));
  await raw.until(connection => connection.text.length === hello.length);
  assert.ok(Buffer.from(raw.text, 'latin1').equals(hello));
  await clock.advance(60_000);
  raw.write('and more');
  await raw.until(connection => connection.text.endsWith('and more') || connection.closed);
  assert.equal(raw.closed, false, 'the connection was broken off after it had been accepted');
});

/** Waits for the end of a connection, whatever its kind. */
function closed(socket: ReturnType<typeof tlsConnect>): Promise<void> {
  if (socket.closed) return Promise.resolve();
  return new Promise(resolve => socket.on('close', () => resolve()));
}

/** An HTTP app that writes down the headers it gets. */
async function headersApp() {
  const seen: string[][] = [];
  const app = await httpServer((request, response) => {
    seen.push(request.rawHeaders);
    response.end('app');
  });
  const value = (name: string): string[] =>
    seen.at(-1)!.flatMap((each, i, all) => (i % 2 === 0 && each.toLowerCase() === name ? [all[i + 1]!] : []));
  return { ...app, seen, value };
}

/** What a plaintext client gets from `port` for `bytes`: the answer, or how the connection ended. */
async function plaintext(port: number, bytes: string): Promise<string> {
  const raw = await rawConnection(port);
  raw.write(bytes);
  await raw.until(connection => connection.text.length > 0 || connection.ended || connection.closed);
  if (raw.text.startsWith('HTTP/1.1 403')) await raw.until(connection => connection.ended);
  raw.socket.destroy();
  return raw.text === '' ? raw.error || 'ended' : raw.text;
}

const get = 'GET / HTTP/1.1\r\nHost: app\r\n\r\n';
const service = { host: 'app.shop', name: 'app', namespace: 'shop' };
const from = {
  apiVersion: 'security.istio.io/v1',
  kind: 'PeerAuthentication',
  namespace: 'shop',
  name: 'app',
};

test('modes: the port decides, then the default; refusals name the port, the policy and the remedy', async t => {
  const mesh = new StaticMesh();
  const app = await headersApp();
  const raw = await echo();
  const strict = { number: app.port, protocol: 'auto', mtls: 'strict', from, service } as const;
  const open = { number: raw.port, protocol: 'auto', mtls: 'permissive' } as const;
  const server = mesh.proxy('server', { mtls: 'strict', ports: [strict, open] });
  const toStrict = redirectedInbound(server.plane, app.port);
  const toOpen = redirectedInbound(server.plane, raw.port);
  const toOther = redirectedInbound(server.plane, 9);
  t.after(() => closeAll(toStrict, toOpen, toOther, mesh, app, raw));
  const refused = await plaintext(toStrict.port, get);
  assert.match(refused, /^HTTP\/1\.1 403 Forbidden\r\nx-weft-flag: UAEX\r\n/);
  assert.match(
    refused,
    new RegExp(`port ${app.port} takes mutual TLS only \\(.*PeerAuthentication.*app.*\\)`),
  );
  assert.match(refused, /label its namespace weft\.dev\/inject=enabled.*portLevelMtls PERMISSIVE/);
  assert.equal(await plaintext(toStrict.port, '\x00\x01'), 'ECONNRESET');
  assert.equal(await plaintext(toOpen.port, '\x00\x01'), '\x00\x01');
  assert.match(await plaintext(toOther.port, get), /takes mutual TLS only \(the default of the mesh\)/);
  assert.deepEqual(app.seen, []);
  const refusals = [...server.plane.services.counters.refused.entries()];
  assert.deepEqual(refusals, [
    [`port="${app.port}",reason="plaintext"`, 2],
    ['port="9",reason="plaintext"', 1],
  ]);
  const warned = server.log.lines.filter(line => /refused a plaintext client/.test(line.message));
  assert.equal(warned.length, 2, 'one line for each client and port in ten seconds');
  const counted = [...server.plane.services.requests.values()].map(series => series.labels);
  assert.ok(
    counted.some(labels =>
      /destination_service="app\.shop".*connection_security_policy="none".*response_code="403",response_flags="UAEX"/.test(
        labels,
      ),
    ),
    counted.join('\n'),
  );
  await eventually(() => server.plane.services.counters.openConnections.inbound === 0);
});

test('a policy that changes holds for the next connection, and open ones go on', async t => {
  const mesh = new StaticMesh();
  const app = await headersApp();
  const server = mesh.proxy('server', { mtls: 'permissive' });
  const inbound = redirectedInbound(server.plane, app.port);
  t.after(() => closeAll(inbound, mesh, app));
  const kept = await rawConnection(inbound.port);
  kept.write(get);
  await kept.until(connection => connection.text.endsWith('app'));
  server.plane.apply({
    kind: 'inbound',
    key: 'default/server-0',
    self: server.peer,
    ports: [],
    defaultMtls: 'strict',
  });
  assert.match(await plaintext(inbound.port, get), /^HTTP\/1\.1 403 /);
  kept.text = '';
  kept.write(get);
  await kept.until(connection => connection.text.endsWith('app') || connection.closed);
  assert.match(kept.text, /^HTTP\/1\.1 200 OK/);
});

test('a rate limit holds for the next request on connections that are open already', async t => {
  const mesh = new StaticMesh();
  const app = await headersApp();
  const server = mesh.proxy('server', { mtls: 'permissive' });
  const inbound = redirectedInbound(server.plane, app.port);
  t.after(() => closeAll(inbound, mesh, app));
  const kept = await rawConnection(inbound.port);
  const status = async (): Promise<string> => {
    kept.text = '';
    kept.write(get);
    await kept.until(({ text }) => text.endsWith('app') || text.endsWith('\n'));
    return kept.text.slice(9, 12);
  };
  assert.equal(await status(), '200');
  const limit = {
    bucket: { maxTokens: 1, perFill: 1, fillIntervalMs: 60_000 },
    matches: [],
    status: 429,
    enabledPercent: 100,
    enforcedPercent: 100,
  };
  const resource = { kind: 'inbound', key: 'default/server-0', self: server.peer, ports: [] } as const;
  server.plane.apply({ ...resource, defaultMtls: 'permissive', defaultRateLimits: [limit] });
  assert.deepEqual([await status(), await status()], ['200', '429']);
  // The same limit told again, beside something else that changed: its tokens stay used up.
  server.plane.apply({ ...resource, defaultMtls: 'strict', defaultRateLimits: [limit] });
  assert.equal(await status(), '429');
  server.plane.apply({ ...resource, defaultMtls: 'strict' });
  assert.equal(await status(), '200');
});

test('the app gets a normal path, in the mode that discovery says, from the next request on', async t => {
  const mesh = new StaticMesh();
  const app = await httpServer((request, response) => response.end(request.url));
  const server = mesh.proxy('server', { mtls: 'permissive' });
  const inbound = redirectedInbound(server.plane, app.port);
  t.after(() => closeAll(inbound, mesh, app));
  const kept = await rawConnection(inbound.port);
  const seen = async (): Promise<string> => {
    kept.text = '';
    kept.write('GET /a//./%62%2fc?x=/./ HTTP/1.1\r\nhost: a\r\n\r\n');
    await kept.until(({ text }) => text.endsWith('?x=/./'));
    return kept.text.split('\r\n').at(-1)!;
  };
  assert.equal(await seen(), '/a//b%2fc?x=/./');
  const resource = { kind: 'inbound', key: 'default/server-0', self: server.peer, ports: [] } as const;
  server.plane.apply({
    ...resource,
    defaultMtls: 'permissive',
    pathNormalization: 'DECODE_AND_MERGE_SLASHES',
  });
  assert.equal(await seen(), '/a/b/c?x=/./');
  server.plane.apply({ ...resource, defaultMtls: 'permissive', pathNormalization: 'NONE' });
  assert.equal(await seen(), '/a//./%62%2fc?x=/./');
});

test("disable: mesh TLS is the app's own business, plaintext is served", async t => {
  const mesh = new StaticMesh();
  const app = await echo();
  const server = mesh.proxy('server', { mtls: 'disable' });
  const inbound = redirectedInbound(server.plane, app.port);
  t.after(() => closeAll(inbound, mesh, app));
  const hello = clientHello({ protocols: ['weft/h1'] }).toString('latin1');
  assert.equal(await plaintext(inbound.port, hello), hello);
});

test('strict: TLS of others is refused, whatever it offers', async t => {
  const mesh = new StaticMesh();
  const app = await headersApp();
  const server = mesh.proxy('server', { mtls: 'strict' });
  const inbound = redirectedInbound(server.plane, app.port);
  t.after(() => closeAll(inbound, mesh, app));
  for (const protocols of [[], ['h2'], ['istio']])
    assert.equal(await plaintext(inbound.port, clientHello({ protocols }).toString('latin1')), 'ECONNRESET');
  const bare = tlsConnect({
    port: inbound.port,
    host: '127.0.0.1',
    rejectUnauthorized: false,
    ALPNProtocols: ['weft/h1'],
  });
  bare.on('error', () => {});
  await closed(bare);
  assert.deepEqual(app.seen, []);
  await eventually(() => server.plane.services.counters.openConnections.inbound === 0);
});

test('a proxy without a certificate refuses in words', async t => {
  const mesh = new StaticMesh();
  const server = mesh.proxy('server', { certificate: false });
  const inbound = redirectedInbound(server.plane, 80);
  t.after(() => closeAll(inbound, mesh));
  assert.equal(
    await plaintext(inbound.port, clientHello({ protocols: ['weft/tcp'] }).toString('latin1')),
    'ECONNRESET',
  );
  assert.match(server.log.lines.at(-1)!.message, /no certificate yet/);
});

test('nobody but the proxy says who the client is', async t => {
  const mesh = new StaticMesh();
  const app = await headersApp();
  const client = mesh.proxy('client');
  const server = mesh.proxy('server', { mtls: 'permissive' });
  const inbound = redirectedInbound(server.plane, app.port);
  t.after(() => closeAll(inbound, mesh, app));
  mesh.set({ key: 'app:80', endpoints: [mesh.meshed(server, app.port)] });
  const spoofed = ['X-Forwarded-Client-Cert', 'URI=spiffe://cluster.local/ns/admin/sa/root'];
  await ask(client.plane.outboundPort, 'app:80', {
    headers: [
      'host',
      'app:80',
      ...spoofed,
      'x-forwarded-CLIENT-cert',
      'By=a',
      'connection',
      'x-forwarded-client-cert',
    ],
  });
  assert.deepEqual(app.value('x-forwarded-client-cert'), [`By=${server.principal};URI=${client.principal}`]);
  await plaintext(inbound.port, `GET / HTTP/1.1\r\nHost: app\r\n${spoofed.join(': ')}\r\n\r\n`);
  assert.deepEqual(app.value('x-forwarded-client-cert'), [], 'a plaintext client kept its claim');
});

test('X-Forwarded-For names the caller, and one that is there is left alone', async t => {
  const mesh = new StaticMesh();
  const app = await headersApp();
  const client = mesh.proxy('client');
  const server = mesh.proxy('server', { mtls: 'permissive' });
  const inbound = redirectedInbound(server.plane, app.port);
  t.after(() => closeAll(inbound, mesh, app));
  mesh.set({ key: 'app:80', endpoints: [mesh.meshed(server, app.port)] });
  await ask(client.plane.outboundPort, 'app:80');
  assert.deepEqual(app.value('x-forwarded-for'), ['127.0.0.1']);
  await plaintext(inbound.port, get);
  assert.deepEqual(app.value('x-forwarded-for'), ['127.0.0.1']);
  await ask(client.plane.outboundPort, 'app:80', { headers: { 'x-forwarded-for': '192.0.2.1, 192.0.2.2' } });
  assert.deepEqual(app.value('x-forwarded-for'), ['192.0.2.1, 192.0.2.2']);
  await plaintext(inbound.port, 'GET / HTTP/1.0\r\n\r\n');
  assert.deepEqual(app.value('host'), [`127.0.0.1:${app.port}`]);
});

test('only proxies may say that a request did not reach the app', async t => {
  const mesh = new StaticMesh();
  let calls = 0;
  const app = await httpServer((_request, response) => {
    calls++;
    response.writeHead(503, { 'x-weft-untouched': 'true' }).end();
  });
  const client = mesh.proxy('client');
  const server = mesh.proxy('server');
  t.after(() => closeAll(mesh, app));
  mesh.set({ key: 'app:80', endpoints: [mesh.meshed(server, app.port), mesh.plain(app.port)] });
  for (let i = 0; i < 6; i++) {
    const answer = await ask(client.plane.outboundPort, 'app:80', { method: 'POST', body: 'once' });
    assert.equal(answer.status, 503);
  }
  assert.equal(calls, 6, 'a POST was repeated because an app claimed not to have seen it');
});

test('an app that does not listen: the caller’s proxy may go elsewhere, even with a POST', async t => {
  const mesh = new StaticMesh();
  const app = await headersApp();
  const client = mesh.proxy('client');
  const [a, b] = [mesh.proxy('a'), mesh.proxy('b')];
  t.after(() => closeAll(mesh, app));
  mesh.set({
    key: 'app:80',
    endpoints: [mesh.meshed(a, CLOSED_PORT), mesh.meshed(b, app.port)],
    settings: { balancer: { kind: 'round-robin' } },
  });
  for (let i = 0; i < 4; i++)
    assert.equal((await ask(client.plane.outboundPort, 'app:80', { method: 'POST', body: 'x' })).status, 200);
});

test('a bad preface is refused in the log, and a peer that sends none is given up', async t => {
  const mesh = new StaticMesh();
  const clock = new FakeClock();
  const server = mesh.proxy('server', { clock });
  const inbound = redirectedInbound(server.plane, 80);
  const { keyPem, chainPem } = credentialsOf(
    mesh.ca,
    parseSpiffe('spiffe://cluster.local/ns/default/sa/evil')!,
  );
  t.after(() => closeAll(inbound, mesh));
  const peer = (): ReturnType<typeof tlsConnect> =>
    tlsConnect({
      port: inbound.port,
      host: '127.0.0.1',
      key: keyPem,
      cert: chainPem,
      rejectUnauthorized: false,
      ALPNProtocols: ['weft/h1'],
    }).on('error', () => {});
  for (const bytes of [
    'GET / HTTP/1.1\r\n\r\n',
    'WEFT/1 {"port":"80"}\n',
    `WEFT/1 {"a":"${'a'.repeat(5_000)}`,
  ]) {
    const evil = peer();
    await once(evil, 'secureConnect');
    evil.write(bytes);
    await closed(evil);
  }
  const reasons = server.log.lines.filter(line => line.level === 'warn').map(line => line.message);
  assert.equal(reasons.length, 3, reasons.join('\n'));
  for (const reason of reasons) assert.match(reason, /^refused a client: the (preface|connection)/);
  const silent = peer();
  await once(silent, 'secureConnect');
  await clock.advance(11_000);
  await closed(silent);
  assert.match(server.log.lines.at(-1)!.message, /no complete mesh TLS handshake within 10000 ms/);
  await eventually(() => server.plane.services.counters.openConnections.inbound === 0);
});

test('bytes that come in TLS records behind the preface, before the app is reached, are not lost', async t => {
  const mesh = new StaticMesh();
  const app = await echo();
  const server = mesh.proxy('server');
  const inbound = redirectedInbound(server.plane, app.port);
  const principal = parseSpiffe('spiffe://cluster.local/ns/default/sa/client')!;
  const { keyPem, chainPem } = credentialsOf(mesh.ca, principal);
  // A relay that lets the ClientHello through and holds what follows until the client ends, so that all records arrive at once.
  const target = connect({ port: inbound.port, host: '127.0.0.1' }).on('error', () => {});
  const relay = await tcpServer(socket => {
    const held: Buffer[] = [];
    let greeted = false;
    target.on('data', data => socket.write(data));
    socket.on('data', data => {
      if (greeted) held.push(data);
      else target.write(data);
      greeted = true;
    });
    socket.on('end', () => target.write(Buffer.concat(held)));
  });
  t.after(() => closeAll(relay, inbound, mesh, app));
  const options = { port: relay.port, host: '127.0.0.1', key: keyPem, cert: chainPem };
  const peer = tlsConnect({ ...options, rejectUnauthorized: false, ALPNProtocols: ['weft/tcp'] });
  await once(peer, 'secureConnect');
  let heard = '';
  peer.setEncoding('latin1').on('data', text => {
    heard += text;
  });
  // Each is a record of its own.
  for (const record of [`WEFT/1 {"port":${app.port}}\n`, 'one ', 'two ', 'three'])
    await new Promise(resolve => peer.write(record, resolve));
  peer.end();
  await once(peer, 'end');
  assert.equal(heard, 'one two three');
  target.destroy();
  await eventually(() => server.plane.services.counters.openConnections.inbound === 0);
});

test('a client that stops in the middle of its handshake is given up', async t => {
  const mesh = new StaticMesh();
  const clock = new FakeClock();
  const server = mesh.proxy('server', { clock });
  const inbound = redirectedInbound(server.plane, 80);
  t.after(() => closeAll(inbound, mesh));
  const hello = clientHello({ protocols: ['weft/h1'] });
  const half = await rawConnection(inbound.port);
  half.write(hello.subarray(0, 30));
  await eventually(() => inbound.wires[0]?.bytesRead === 30);
  await clock.advance(11_000);
  await half.until(connection => connection.closed);
  const leaves = await rawConnection(inbound.port);
  leaves.write(hello.subarray(0, 30));
  await eventually(() => inbound.wires[1]?.bytesRead === 30);
  leaves.socket.end();
  await eventually(() => inbound.closed() === 2);
});

test('what a proxy measures says who it is, also for what it met before it knew', async t => {
  const mesh = new StaticMesh();
  const app = await headersApp();
  const client = mesh.proxy('client');
  t.after(() => closeAll(mesh, app));
  mesh.set({ key: 'app:80', endpoints: [mesh.plain(app.port)] });
  await ask(client.plane.outboundPort, 'app:80');
  const renamed = { ...client.peer, workload: 'renamed' };
  client.plane.apply({
    kind: 'inbound',
    key: 'default/client-0',
    self: renamed,
    ports: [],
    defaultMtls: 'strict',
  });
  await ask(client.plane.outboundPort, 'app:80');
  const workloads = [...client.plane.services.requests.values()].map(
    series => /source_workload="([^"]*)"/.exec(series.labels)![1],
  );
  assert.deepEqual(workloads, ['client', 'renamed']);
});

test('draining: kept connections are told to close with their next answer, and new ones are served', async t => {
  const mesh = new StaticMesh();
  const app = await headersApp();
  const server = mesh.proxy('server', { mtls: 'permissive' });
  const inbound = mesh.proxy('client');
  t.after(() => closeAll(mesh, app));
  mesh.set({ key: 'app:80', endpoints: [mesh.meshed(server, app.port)] });
  const raw = await rawConnection(inbound.plane.outboundPort);
  const request = 'GET http://app/ HTTP/1.1\r\nHost: app\r\n\r\n';
  raw.write(request);
  await raw.until(connection => connection.text.endsWith('app'));
  server.plane.drain();
  raw.text = '';
  raw.write(request);
  await raw.until(connection => connection.text.endsWith('app') || connection.closed);
  assert.match(raw.text, /^HTTP\/1\.1 200 OK/);
  assert.equal((await ask(inbound.plane.outboundPort, 'app:80')).status, 200);
  await eventually(() => server.plane.underWay.inbound <= 1);
});

test('draining: what may not be repeated never goes on a kept connection to an app that is ending as well', async t => {
  const mesh = new StaticMesh();
  let connections = 0;
  const app = await httpServer((request, response) => request.resume().on('end', () => response.end('app')));
  app.server.on('connection', () => connections++);
  const server = mesh.proxy('server', { mtls: 'permissive' });
  const inbound = redirectedInbound(server.plane, app.port);
  t.after(() => closeAll(inbound, mesh, app));
  const post = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx';
  const send = async (): Promise<void> => {
    const raw = await rawConnection(inbound.port);
    raw.write(post);
    await raw.until(({ text }) => text.endsWith('app'));
    raw.socket.destroy();
  };
  await send();
  await send();
  assert.equal(connections, 1);
  server.plane.drain();
  await send();
  assert.equal(connections, 2);
});

test('a meshed peer that calls itself something else with every connection makes no series without end', async t => {
  const mesh = new StaticMesh();
  const app = await httpServer((_, response) => response.end('ok'));
  const server = mesh.proxy('server');
  const inbound = redirectedInbound(server.plane, app.port);
  t.after(() => closeAll(inbound, mesh, app));
  const { keyPem, chainPem } = credentialsOf(mesh.ca, parseSpiffe('spiffe://cluster.local/ns/evil/sa/evil')!);
  const secureContext = createSecureContext({ key: keyPem, cert: chainPem });
  const call = async (i: number): Promise<void> => {
    const peer = tlsConnect({
      port: inbound.port,
      host: '127.0.0.1',
      secureContext,
      rejectUnauthorized: false,
      ALPNProtocols: ['weft/h1'],
    });
    await once(peer, 'secureConnect');
    const fields = {
      workload: `w${i}`,
      namespace: 'kube-system',
      app: `a"${i}\n`,
      version: 'v'.repeat(250),
      pod: 'p',
    };
    peer.write(
      `WEFT/1 ${JSON.stringify({ port: app.port, ...fields })}\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
    );
    peer.resume();
    await once(peer, 'close');
  };
  for (let i = 0; i < 150; i += 10) await Promise.all(Array.from({ length: 10 }, (_, k) => call(i + k)));
  const all = [...server.plane.services.requests.values()];
  assert.equal(all.length, 128 + 1);
  assert.equal(
    all.reduce((sum, { requests }) => sum + requests, 0),
    150,
  );
  for (const { labels } of all)
    assert.match(labels, /source_workload_namespace="evil",.*source_app="(unknown|overflow)",/);
  const [overflow] = all.filter(({ labels }) => labels.includes('source_workload="overflow"'));
  assert.equal(overflow!.requests, 150 - 128);
  assert.match(overflow!.labels, /source_principal="spiffe:\/\/cluster\.local\/ns\/evil\/sa\/evil"/);
});
