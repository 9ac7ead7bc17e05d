// Servers that speak first on ports that take plaintext and mesh TLS: nobody in a handshake may hear them, nobody else may have
// to wait.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { connect as tlsConnect } from 'node:tls';
import { parseSpiffe } from '../../model/index.ts';
import { FakeClock } from '../../time/index.ts';
import { clientHello } from '../../tls/testing/hellos.ts';
import { closeAll, rawConnection, tcpServer } from '../testing/clients.ts';
import { eventually, redirectedInbound, redirectedOutbound } from '../testing/redirected.ts';
import { credentialsOf, StaticMesh, type TestProxy } from '../testing/static-mesh.ts';

const greeting = '220 ready\r\n';
const greeter = () => tcpServer(socket => socket.resume().write(greeting));

/** A permissive proxy before an app that greets, on a clock that the test turns. */
async function setUp() {
  const mesh = new StaticMesh();
  const app = await greeter();
  const clock = new FakeClock();
  const server = mesh.proxy('server', { mtls: 'permissive', clock });
  const inbound = redirectedInbound(server.plane, app.port);
  const silent = async () => {
    const before = inbound.wires.length;
    const raw = await rawConnection(inbound.port);
    await eventually(() => inbound.wires.length === before + 1);
    return raw;
  };
  return { mesh, app, clock, server, inbound, silent };
}

/** What the proxy has counted as opened, by how it was protected: every series that it shows. */
function openedBy({ plane }: TestProxy): readonly string[] {
  return [...plane.services.tcp.values()].map(
    ({ labels, opened }) => `${/connection_security_policy="(\w+)"/.exec(labels)?.[1]} ${opened}`,
  );
}

test('a proxy whose handshake was overtaken by the greeting is waited for when it tries again', async t => {
  const { mesh, app, clock, server, inbound, silent } = await setUp();
  t.after(() => closeAll(inbound, mesh, app));
  const overtaken = await silent();
  await clock.advance(40);
  await overtaken.until(({ text }) => text === greeting);
  overtaken.write(clientHello({ protocols: ['weft/tcp'] }));
  await eventually(() => inbound.wires[0]!.bytesRead > 0);
  overtaken.socket.destroy();

  const late = connect({ port: inbound.port, host: '127.0.0.1' });
  await once(late, 'connect');
  await eventually(() => inbound.wires.length === 2);
  await clock.advance(1000);
  const { keyPem: key, chainPem: cert } = credentialsOf(
    mesh.ca,
    parseSpiffe('spiffe://cluster.local/ns/default/sa/client')!,
  );
  const peer = tlsConnect({
    socket: late,
    key,
    cert,
    rejectUnauthorized: false,
    ALPNProtocols: ['weft/tcp'],
  });
  await once(peer, 'secureConnect');
  peer.write(`WEFT/1 {"port":${app.port}}\n`);
  const [heard] = (await once(peer, 'data')) as [Buffer];
  assert.equal(heard.toString(), greeting);
  peer.destroy();
  assert.deepEqual(openedBy(server), ['mutual_tls 1'], 'the handshake that was lost is no connection');
});

test('who hears the greeting in plaintext is counted with its first bytes', async t => {
  const { mesh, app, clock, server, inbound, silent } = await setUp();
  t.after(() => closeAll(inbound, mesh, app));
  const client = await silent();
  await clock.advance(40);
  await client.until(({ text }) => text === greeting);
  assert.deepEqual(openedBy(server), []);
  client.write('HELO there\r\n');
  await eventually(() => openedBy(server).join() === 'none 1');
  client.socket.destroy();
});

test('an address that speaks mesh TLS and then waits in plaintext is heard after two seconds, and from then on at once', async t => {
  const { mesh, app, clock, server, inbound, silent } = await setUp();
  t.after(() => closeAll(inbound, mesh, app));
  server.plane.services.meshedCallers.add('127.0.0.1', app.port, clock.monotonic());
  const first = await silent();
  await clock.advance(1900);
  assert.equal(first.text, '');
  await clock.advance(200);
  await first.until(({ text }) => text === greeting);
  const next = await silent();
  await clock.advance(40);
  await next.until(({ text }) => text === greeting);
});

test('of several that the greeting overtakes at once, none makes the proxy forget what another has shown', async t => {
  const { mesh, app, clock, inbound, silent } = await setUp();
  t.after(() => closeAll(inbound, mesh, app));
  const first = await silent();
  await clock.advance(10);
  // Begun before anything is known of their address, and greeted after.
  const second = await silent();
  await clock.advance(12);
  await first.until(({ text }) => text === greeting);
  first.write(clientHello({ protocols: ['weft/tcp'] }));
  await eventually(() => inbound.wires[0]!.bytesRead > 0);
  await clock.advance(10);
  await second.until(({ text }) => text === greeting);
  const again = await silent();
  await clock.advance(1900);
  assert.equal(again.text, '', 'the handshake that is begun again was overtaken too');
});

test('a handshake that the greeting broke is begun again, and the client hears nothing of it', async t => {
  const mesh = new StaticMesh();
  const app = await greeter();
  const server = mesh.proxy('server', { mtls: 'permissive' });
  const inbound = redirectedInbound(server.plane, app.port);
  let connections = 0;
  const relay = await tcpServer(socket => {
    socket.on('error', () => {});
    if (++connections === 1) {
      socket.write(greeting);
      return;
    }
    const target = connect({ port: inbound.port, host: '127.0.0.1' }).on('error', () => {});
    socket.pipe(target).pipe(socket);
  });
  const client = mesh.proxy('client');
  mesh.set({ key: '10.0.0.1:80', endpoints: [{ ...mesh.meshed(server, app.port), tunnelPort: relay.port }] });
  const outbound = redirectedOutbound(client.plane, '10.0.0.1', 80);
  t.after(() => closeAll(outbound, inbound, relay, mesh, app));
  const raw = await rawConnection(outbound.port);
  await raw.until(({ text, closed }) => text === greeting || closed);
  assert.equal(raw.text, greeting);
  assert.equal(connections, 2);
  raw.socket.destroy();
});
