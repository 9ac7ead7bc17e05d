import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_TRAFFIC } from '../model/index.ts';
import { ask, closeAll, httpServer, rawConnection, tcpServer } from './testing/clients.ts';
import { eventually } from './testing/redirected.ts';
import { resourceOf, StaticMesh } from './testing/static-mesh.ts';

const upgrade =
  'GET http://app.shop:80/ws HTTP/1.1\r\nHost: app.shop:80\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

/** An app that upgrades and then sends back what it gets; plain GETs are answered in pieces, the last when it is told. */
async function app() {
  const finish: (() => void)[] = [];
  const server = await httpServer((_request, response) => {
    response.write('begin ');
    finish.push(() => response.end('end'));
  });
  server.server.on('upgrade', (_request, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    socket.on('data', (data: Buffer) => socket.write(data)).on('error', () => {});
  });
  return { ...server, finish };
}

test('row 15: a WebSocket, a stream and a TCP connection live through hundreds of changes, also of the cluster that they are on', async t => {
  const mesh = new StaticMesh();
  const client = mesh.proxy('client');
  const server = mesh.proxy('server');
  const web = await app();
  const echo = await tcpServer(socket => socket.on('data', data => socket.write(data)));
  t.after(() => closeAll(mesh, web, echo));
  const key = 'app.shop:80';
  mesh.set({ key, endpoints: [mesh.meshed(server, web.port)] });
  mesh.set({ key: 'echo.shop:80', endpoints: [mesh.meshed(server, echo.port)], protocol: 'tcp' });
  const ws = await rawConnection(client.plane.outboundPort);
  ws.write(upgrade);
  await ws.until(({ text }) => text.includes('\r\n\r\n'));
  const tcp = await rawConnection(client.plane.outboundPort);
  await tcp.tunnel('echo.shop:80');
  const stream = ask(client.plane.outboundPort, key, { path: '/stream' });
  await eventually(() => web.finish.length === 1);
  for (let i = 0; i < 300; i++) {
    const settings = {
      connectTimeoutMs: 1000 + i,
      limits: { ...DEFAULT_TRAFFIC.limits, maxConnections: 10 + i },
    };
    mesh.set({ key, endpoints: [mesh.meshed(server, web.port)], settings, timeoutMs: i });
    mesh.set({ key: 'echo.shop:80', endpoints: [mesh.meshed(server, echo.port)], settings, protocol: 'tcp' });
    if (i % 50 === 0) await new Promise(resolve => setImmediate(resolve));
  }
  // Now the routes lead elsewhere, and what they led to is named by nobody any more.
  const moved = resourceOf({ key: 'other.shop:80', endpoints: [] });
  client.plane.apply({ ...moved, key });
  client.plane.apply({ ...moved, key: 'echo.shop:80', protocol: 'tcp' });
  client.plane.apply({ kind: 'endpoints', key: 'other.shop:80', endpoints: [], total: 0 });
  assert.deepEqual(
    [...client.plane.destinations.clusters].map(each => each.config.name),
    ['other.shop:80'],
  );
  for (const connection of [ws, tcp]) {
    connection.text = '';
    connection.write('still here');
    await connection.until(({ text, closed }) => text === 'still here' || closed);
    assert.equal(connection.closed, false);
  }
  web.finish[0]!();
  const answer = await stream;
  assert.equal(answer.status, 200);
  assert.equal(answer.body, 'begin end');
  assert.equal(
    (await ask(client.plane.outboundPort, key)).status,
    503,
    'and new requests go where the routes lead',
  );
});

test('a resource that cannot be run is refused with its reason, and the last good one goes on', async t => {
  const mesh = new StaticMesh();
  const client = mesh.proxy('client');
  const web = await httpServer((_request, response) => response.end('good'));
  t.after(() => closeAll(mesh, web));
  const key = 'app.shop:80';
  mesh.set({ key, endpoints: [mesh.plain(web.port)] });
  assert.equal((await ask(client.plane.outboundPort, key)).body, 'good');
  const good = resourceOf({ key, endpoints: [] });
  const regex = { matches: [{ path: { kind: 'regex' as const, value: '([a' } }] };
  const bad = { ...good, routes: [{ ...good.routes[0]!, ...regex }] };
  assert.match(client.plane.apply(bad)!, /"\(\[a" is not valid RE2/);
  assert.equal((await ask(client.plane.outboundPort, key)).body, 'good');
});
