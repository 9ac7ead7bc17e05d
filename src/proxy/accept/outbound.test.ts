import assert from 'node:assert/strict';
import { connect } from 'node:http2';
import { test } from 'node:test';
import { DEFAULT_TRAFFIC } from '../../model/index.ts';
import { FakeClock } from '../../time/index.ts';
import { CLOSED_PORT } from '../../wire/testing/ports.ts';
import { closeAll, httpServer, type RawConnection, rawConnection, tcpServer } from '../testing/clients.ts';
import { answerOf, h2cServer } from '../testing/http2-peers.ts';
import { eventually, redirectedOutbound } from '../testing/redirected.ts';
import { resourceOf, StaticMesh, type TestDestination } from '../testing/static-mesh.ts';

/** A proxy on a clock that the test turns, and a listener whose connections are meant for `10.0.0.1:80`. */
function setUp(destination?: Omit<TestDestination, 'key'>) {
  const mesh = new StaticMesh();
  const clock = new FakeClock();
  const client = mesh.proxy('client', { clock });
  const key = '10.0.0.1:80';
  if (destination !== undefined) mesh.set({ key, ...destination });
  const outbound = redirectedOutbound(client.plane, '10.0.0.1', 80);
  const clusters = () => [...client.plane.destinations.clusters];
  return { mesh, clock, client, key, outbound, clusters };
}

const get = 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n';

/** Sends a request on a connection that is kept and returns the answer. */
async function exchange(raw: RawConnection, request = get): Promise<string> {
  raw.text = '';
  raw.write(request);
  await raw.until(connection => /\r\n\r\n/.test(connection.text) || connection.closed);
  const length = Number(/content-length: (\d+)/i.exec(raw.text)?.[1] ?? 0);
  await raw.until(
    connection =>
      connection.text.length >= connection.text.indexOf('\r\n\r\n') + 4 + length || connection.closed,
  );
  return raw.text;
}

test('a server that speaks first is heard soon though the client says nothing', async t => {
  const mysql = await tcpServer(socket => socket.write('5.7.0 hello'));
  const { mesh, clock, client, outbound, clusters } = setUp({
    endpoints: [new StaticMesh().plain(mysql.port)],
  });
  t.after(() => closeAll(outbound, mesh, mysql));
  const raw = await rawConnection(outbound.port);
  await eventually(() => clusters()[0]?.known === true);
  await clock.advance(40);
  await raw.until(connection => connection.text === '5.7.0 hello');
  raw.socket.resetAndDestroy();
  await eventually(() => client.access.records.length === 1);
  assert.equal(client.access.records[0]!.protocol, 'TCP');
  assert.equal(clusters()[0]!.occupancy.connections, 0);
});

test('a client that speaks HTTP late is served as HTTP, and the connection made in advance is given up', async t => {
  let connections = 0;
  const app = await httpServer((_request, response) => response.end('hello'));
  app.server.on('connection', () => connections++);
  const { mesh, clock, client, outbound, clusters } = setUp({
    endpoints: [new StaticMesh().plain(app.port)],
  });
  t.after(() => closeAll(outbound, mesh, app));
  const raw = await rawConnection(outbound.port);
  await eventually(() => clusters()[0]?.known === true);
  await clock.advance(40);
  await eventually(() => connections === 1);
  assert.match(await exchange(raw), /^HTTP\/1\.1 200 OK[\s\S]*hello$/);
  assert.equal(client.access.records[0]!.protocol, 'HTTP/1.1');
  assert.equal(clusters()[0]!.occupancy.connections, 1, 'the connection made in advance was not given up');
  assert.equal([...clusters()[0]!.endpoints][0]!.active, 0);
  raw.socket.destroy();
});

test('what a client has sent before a server spoke first is not lost, and not sent twice or late', async t => {
  let heard = '';
  let greet = (): void => {};
  const app = await tcpServer(socket => {
    greet = () => socket.write('220 ready\r\n');
    socket.on('data', data => {
      heard += data.toString();
    });
  });
  const { mesh, clock, outbound, clusters, client } = setUp({
    endpoints: [new StaticMesh().plain(app.port)],
  });
  t.after(() => closeAll(outbound, mesh, app));
  const raw = await rawConnection(outbound.port);
  await eventually(() => clusters()[0]?.known === true);
  await clock.advance(40);
  await eventually(() => app.accepted() === 1);
  raw.write('MAI');
  await eventually(() => outbound.wires[0]!.bytesRead === 3);
  greet();
  await raw.until(connection => connection.text === '220 ready\r\n');
  raw.write('L FROM:<a@b>\r\n');
  await eventually(() => heard.endsWith('\n'));
  await clock.advance(1_000);
  assert.equal(heard, 'MAIL FROM:<a@b>\r\n');
  raw.socket.resetAndDestroy();
  await eventually(() => client.access.records.length > 0);
  assert.equal(client.access.records.length, 1);
  assert.equal(client.access.records[0]!.receivedBytes, heard.length);
});

test('a connection made in advance says nothing about whether the app answers well', async t => {
  const app = await httpServer((_request, response) => {
    response.statusCode = 500;
    response.end('bad');
  });
  const good = await httpServer((_request, response) => response.end('good'));
  // Three, because with two round-robin would connect in advance to one and ask the other, for ever.
  const other = await httpServer((_request, response) => response.end('good'));
  const outlier = { ...DEFAULT_TRAFFIC.outlier, consecutive5xx: 3 };
  const { mesh, clock, outbound, clusters } = setUp({
    endpoints: [app, good, other].map(each => new StaticMesh().plain(each.port)),
    settings: { outlier, balancer: { kind: 'round-robin' } },
  });
  t.after(() => closeAll(outbound, mesh, app, good, other));
  for (let i = 0; i < 15; i++) {
    const raw = await rawConnection(outbound.port);
    await eventually(() => clusters()[0]?.known === true);
    await clock.advance(40);
    await eventually(() => clusters()[0]!.occupancy.connections > 0);
    await exchange(raw);
    raw.socket.destroy();
  }
  assert.equal(clusters()[0]!.healthy, 2, 'connects in advance made the failures be forgotten');
});

test('when nobody can be reached a late HTTP client hears why; one that says nothing is let go a second later', async t => {
  const { mesh, clock, outbound, clusters } = setUp({ endpoints: [], total: 2 });
  t.after(() => closeAll(outbound, mesh));
  const late = await rawConnection(outbound.port);
  await eventually(() => clusters()[0]?.known === true);
  await clock.advance(200);
  assert.match(await exchange(late), /^HTTP\/1\.1 503 [\s\S]*x-weft-flag: UH[\s\S]*\(0 of 2\)/);
  late.socket.destroy();
  const silent = await rawConnection(outbound.port);
  await eventually(() => outbound.wires.length === 2);
  await clock.advance(900);
  assert.equal(silent.closed, false);
  await clock.advance(300);
  await silent.until(connection => connection.closed);
  assert.equal(silent.error, 'ECONNRESET');
});

test('an opaque connection goes to another endpoint when one refuses it', async t => {
  const app = await tcpServer(socket => socket.on('data', data => socket.write(data)));
  const { mesh, outbound, client } = setUp({
    endpoints: [CLOSED_PORT, app.port].map(port => new StaticMesh().plain(port)),
    settings: { balancer: { kind: 'round-robin' }, outlier: { ...DEFAULT_TRAFFIC.outlier, enabled: false } },
    protocol: 'tcp',
  });
  t.after(() => closeAll(outbound, mesh, app));
  for (let i = 0; i < 4; i++) {
    const raw = await rawConnection(outbound.port);
    raw.write('\x00\x01ping');
    await raw.until(connection => connection.text === '\x00\x01ping' || connection.closed);
    assert.equal(raw.closed, false);
    raw.socket.resetAndDestroy();
  }
  await eventually(() => client.access.records.length === 4);
  assert.ok(client.access.records.some(record => record.attempts === 2));
});

test('opaque connections without an endpoint, or over the limit, are reset and counted', async t => {
  const app = await tcpServer(() => {});
  const limits = { ...DEFAULT_TRAFFIC.limits, maxConnections: 1 };
  const { mesh, outbound, client, key } = setUp({
    endpoints: [new StaticMesh().plain(app.port)],
    settings: { limits },
    protocol: 'tcp',
  });
  t.after(() => closeAll(outbound, mesh, app));
  const first = await rawConnection(outbound.port);
  await eventually(() => app.accepted() === 1);
  const second = await rawConnection(outbound.port);
  await second.until(connection => connection.closed);
  assert.equal(second.error, 'ECONNRESET');
  mesh.set({ key, endpoints: [], protocol: 'tcp' });
  const third = await rawConnection(outbound.port);
  await third.until(connection => connection.closed);
  assert.deepEqual(
    client.access.records.map(record => record.flag),
    ['UO', 'UH'],
  );
  first.socket.resetAndDestroy();
  await eventually(() => client.access.records.length === 3);
  const tcp = [...client.plane.services.tcp.values()];
  assert.deepEqual(
    tcp.map(series => [series.opened, series.closed]),
    [
      [1, 1],
      [1, 1],
      [1, 1],
    ],
  );
});

test('a kept connection is served though its destination was forgotten in between', async t => {
  const app = await httpServer((_request, response) => response.end('hello'));
  const { mesh, clock, outbound, client } = setUp({ endpoints: [new StaticMesh().plain(app.port)] });
  t.after(() => closeAll(outbound, mesh, app));
  const raw = await rawConnection(outbound.port);
  assert.match(await exchange(raw), /^HTTP\/1\.1 200 /);
  await clock.advance(700_000);
  assert.deepEqual(
    [...client.plane.destinations.keys],
    [],
    'it was not forgotten, so that this test shows nothing',
  );
  assert.match(await exchange(raw), /^HTTP\/1\.1 200 /);
  raw.socket.destroy();
});

test('while discovery does not answer connections pass through, and go on when it says later that it knows nothing', async t => {
  const app = await httpServer((_request, response) => response.end('outside'));
  const mesh = new StaticMesh();
  const clock = new FakeClock();
  const client = mesh.proxy('client', { clock });
  mesh.silent.add(`127.0.0.1:${app.port}`);
  const outbound = redirectedOutbound(client.plane, '127.0.0.1', app.port);
  t.after(() => closeAll(outbound, mesh, app));
  const raw = await rawConnection(outbound.port);
  raw.write(get);
  await eventually(() => outbound.wires[0]?.bytesRead === get.length);
  await clock.advance(1_900);
  assert.equal(raw.text, '');
  await clock.advance(200);
  await raw.until(connection => connection.text.includes('outside'));
  assert.equal(client.plane.services.counters.discoveryTimeouts, 1);
  assert.match(await exchange(raw), /outside/);
  mesh.silent.clear();
  mesh.set({ key: 'x:1', endpoints: [] });
  mesh.answer(client.plane, `127.0.0.1:${app.port}`);
  assert.match(await exchange(raw), /outside/, 'it was cut off by an answer of discovery');
  raw.socket.destroy();
});

/** A proxy that was told where Services are, with a destination there that discovery says nothing about. */
function setUpSilent(ranges: readonly string[] = ['10.0.0.0/24']) {
  const all = setUp();
  all.mesh.silent.add(all.key);
  all.client.plane.apply({ kind: 'trust', key: 'cluster.local', roots: [], serviceRanges: ranges });
  return all;
}

test('a Service is never passed through: while discovery says nothing, requests get a 503 with the reason, and then their routes', async t => {
  const app = await httpServer((_request, response) => response.end('hello'));
  const { mesh, clock, client, outbound, key } = setUpSilent();
  t.after(() => closeAll(outbound, mesh, app));
  const raw = await rawConnection(outbound.port);
  raw.write(get);
  await eventually(() => outbound.wires[0]?.bytesRead === get.length);
  await clock.advance(2_100);
  await raw.until(connection => connection.text.endsWith('for its connection\n'));
  assert.match(raw.text, /^HTTP\/1\.1 503 [\s\S]*x-weft-flag: NFCF/);
  assert.match(raw.text, /where 10\.0\.0\.1:80 goes\. It is the address of a Service/);
  assert.equal(client.plane.passThrough.clusters.length, 0);
  assert.equal(client.access.records[0]!.flag, 'NFCF');
  mesh.silent.clear();
  mesh.set({ key, endpoints: [mesh.plain(app.port)] });
  assert.match(await exchange(raw), /^HTTP\/1\.1 200 [\s\S]*hello$/);
  raw.socket.destroy();
});

test('other connections to a Service that discovery says nothing about are reset, whoever speaks first', async t => {
  const { mesh, clock, client, outbound } = setUpSilent();
  t.after(() => closeAll(outbound, mesh));
  const speaking = await rawConnection(outbound.port);
  speaking.write('\x00\x01ping');
  const listening = await rawConnection(outbound.port);
  await eventually(() => outbound.wires.length === 2 && outbound.wires[0]!.bytesRead === 6);
  await clock.advance(2_100);
  await clock.advance(100);
  for (const raw of [speaking, listening]) {
    await raw.until(connection => connection.closed);
    assert.equal(raw.error, 'ECONNRESET');
  }
  const warned = client.log.lines.filter(each =>
    /refused a connection: .*address of a Service/.test(each.message),
  );
  assert.equal(warned.length, 2);
  assert.equal(client.plane.passThrough.clusters.length, 0);
});

test('a Service whose first resource is refused is no pass-through either, and the reason names the object', async t => {
  const { mesh, client, outbound, key } = setUpSilent();
  t.after(() => closeAll(outbound, mesh));
  const raw = await rawConnection(outbound.port);
  raw.write(get);
  await eventually(() => [...client.plane.destinations.keys].length === 1);
  const good = resourceOf({ key, endpoints: [] });
  const from = {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    namespace: 'shop',
    name: 'vs',
  };
  const matches = [{ path: { kind: 'regex', value: '(' } as const }];
  client.plane.apply({ ...good, routes: [{ ...good.routes[0]!, from, matches }] });
  await raw.until(connection => connection.text.includes('VirtualService vs.shop'));
  assert.match(raw.text, /^HTTP\/1\.1 503 [\s\S]*x-weft-flag: NFCF/);
  assert.equal(client.plane.passThrough.clusters.length, 0);
  raw.socket.destroy();
});

test('a client that goes away before anything is known leaves nothing behind', async t => {
  const { mesh, clock, outbound, client, key } = setUp();
  mesh.silent.add(key);
  t.after(() => closeAll(outbound, mesh));
  const raw = await rawConnection(outbound.port);
  raw.write('GET ');
  await eventually(() => outbound.wires[0]?.bytesRead === 4);
  raw.socket.resetAndDestroy();
  await eventually(() => outbound.closed() === 1);
  await clock.advance(5_000);
  mesh.silent.clear();
  mesh.answer(client.plane, key);
  assert.equal(client.plane.services.active, 0);
});

test('a port that is said to be HTTP gets no connection in advance', async t => {
  const app = await tcpServer(() => {});
  const { mesh, clock, outbound, clusters } = setUp({
    endpoints: [new StaticMesh().plain(app.port)],
    protocol: 'http',
  });
  t.after(() => closeAll(outbound, mesh, app));
  const raw = await rawConnection(outbound.port);
  await eventually(() => clusters()[0]?.known === true);
  await clock.advance(5_000);
  assert.equal(clusters()[0]!.occupancy.connections, 0);
  raw.socket.destroy();
});

test('answers of the proxy itself count for the service that was called, in whichever form it was asked', async t => {
  const mesh = new StaticMesh();
  const client = mesh.proxy('client');
  const outbounds: { close(): void }[] = [];
  t.after(() => closeAll(...outbounds, mesh));
  const base = resourceOf({ key: 'app.shop:80', endpoints: [] });
  const action = { kind: 'respond', status: 418, body: '', contentType: '' } as const;
  const answers = { ...base, host: 'app.shop', routes: [{ ...base.routes[0]!, action }] };
  const none = { ...base, host: 'none.shop.svc.cluster.local', routes: [], tcp: [], clusters: [] };
  const services = [
    ['10.0.0.1', 'app.shop', answers],
    ['10.0.0.2', 'none.shop', none],
  ] as const;
  for (const [address, name, resource] of services) {
    for (const key of [`${address}:80`, `${name}:80`]) mesh.resources.set(key, [{ ...resource, key }]);
    const outbound = redirectedOutbound(client.plane, address, 80);
    outbounds.push(outbound);
    for (const [port, target] of [
      [outbound.port, '/'],
      [client.plane.outboundPort, `http://${name}/`],
    ] as const) {
      const raw = await rawConnection(port);
      raw.write(`GET ${target} HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`);
      await raw.until(connection => connection.ended || connection.closed);
    }
  }
  const counted = [...client.plane.services.requests.values()].map(({ labels, requests }) => {
    const [, service, name, namespace] =
      /destination_service="([^"]*)",destination_service_name="([^"]*)",destination_service_namespace="([^"]*)"/.exec(
        labels,
      )!;
    return [service, name, namespace, /response_code="([^"]*)"/.exec(labels)![1], requests];
  });
  assert.deepEqual(counted.sort(), [
    ['app.shop', 'app.shop', 'default', '418', 2],
    ['none.shop.svc.cluster.local', 'none', 'shop', '404', 2],
  ]);
});

test('an HTTP/2 client that is late is served as HTTP/2, though its server greets whoever connects', async t => {
  const app = await h2cServer((_request, response) => response.end('hello'));
  const { mesh, clock, client, outbound, clusters } = setUp({
    endpoints: [new StaticMesh().plain(app.port)],
  });
  t.after(() => closeAll(outbound, mesh, app));
  const raw = await rawConnection(outbound.port);
  await eventually(() => clusters()[0]?.known === true);
  await clock.advance(40);
  await eventually(() => app.accepted() === 1);
  // The greeting has come long ago, and says nothing about the next connection either.
  await new Promise(resolve => setTimeout(resolve, 50));
  assert.equal(raw.text, '');
  assert.notEqual(clusters()[0]!.speaksFirst, true);
  const late = connect('http://10.0.0.1', { createConnection: () => raw.socket });
  t.after(() => late.destroy());
  assert.equal((await answerOf(late.request({ ':path': '/a' }))).body, 'hello');
  assert.equal(client.access.records[0]!.protocol, 'HTTP/2');
});

test('what greets as HTTP/2 does, and hears from its client something else, is a tunnel of both', async t => {
  const greeting = '\0\0\0\x04\0\0\0\0\0';
  const app = await tcpServer(socket => {
    socket.write(greeting);
    socket.on('data', bytes => socket.write(`heard ${bytes}`));
  });
  const { mesh, clock, client, outbound, clusters } = setUp({
    endpoints: [new StaticMesh().plain(app.port)],
  });
  t.after(() => closeAll(outbound, mesh, app));
  const raw = await rawConnection(outbound.port);
  await eventually(() => clusters()[0]?.known === true);
  await clock.advance(40);
  raw.write('\x01other');
  await raw.until(connection => connection.text.endsWith('other'));
  assert.equal(raw.text, `${greeting}heard \x01other`);
  raw.socket.resetAndDestroy();
  await eventually(() => client.access.records.length === 1);
  assert.equal(client.access.records[0]!.protocol, 'TCP');
});
