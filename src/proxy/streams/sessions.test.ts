// Connections of apps as streams between two proxies: whole data planes, real TLS and sockets.
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { MeshTls } from '../../tls/index.ts';
import { CLOSED_PORT } from '../../wire/testing/ports.ts';
import { rawConnection, tcpServer } from '../testing/clients.ts';
import { olderProxy } from '../testing/older-proxy.ts';
import { eventually } from '../testing/redirected.ts';
import { echoes, SessionRig } from '../testing/session-rig.ts';
import { credentialsOf, type TestProxy } from '../testing/static-mesh.ts';

/** Sends back what it gets, and ends when its client does. */
const echo = () =>
  tcpServer(socket => socket.on('data', data => socket.write(data)).on('end', () => socket.end()));

/** What a proxy has counted of TCP: opened, closed, received and sent bytes, and with which flags. */
function counted({ plane }: TestProxy) {
  const sums = { opened: 0, closed: 0, received: 0, sent: 0, labels: new Set<string>() };
  for (const { opened, closed, receivedBytes, sentBytes, labels } of plane.services.tcp.values()) {
    sums.opened += opened;
    sums.closed += closed;
    sums.received += receivedBytes;
    sums.sent += sentBytes;
    sums.labels.add(labels);
  }
  return sums;
}

test('sessions share one connection, and count the same at both ends', async t => {
  const rig = new SessionRig(await echo());
  t.after(() => rig.close());
  const held = await rig.open();
  for (let n = 0; n < 20; n++) {
    const raw = await rig.open();
    assert.ok(await echoes(raw, 'hello'));
    raw.socket.end();
    await raw.until(({ ended }) => ended);
  }
  assert.ok(await echoes(held, 'still there'));
  assert.equal(rig.carriers, 1);
  assert.equal(rig.server.plane.underWay.inbound, 1);
  await eventually(() => counted(rig.client).closed === 20 && counted(rig.server).closed === 20);
  const [out, came] = [counted(rig.client), counted(rig.server)];
  assert.deepEqual([out.opened, out.received, out.sent], [21, 111, 111]);
  assert.deepEqual([came.opened, came.received, came.sent], [21, 111, 111]);
  for (const labels of [...out.labels, ...came.labels]) {
    assert.match(labels, /source_principal="spiffe:\/\/cluster\.local\/ns\/default\/sa\/client"/);
    assert.match(labels, /destination_principal="spiffe:\/\/cluster\.local\/ns\/default\/sa\/server"/);
    assert.match(labels, /request_protocol="tcp"/);
    assert.match(labels, /response_flags="-"/);
  }
  const accepted = [...rig.server.plane.services.counters.accepted.entries()];
  assert.deepEqual(accepted, [['direction="inbound",protocol="tcp",mtls="true"', 21]]);
  assert.equal(rig.server.access.records[0]!.peer, rig.client.principal);
  assert.equal(rig.cluster.occupancy.connections, 1, 'each session has a place, and no carrier has one');
});

test('either side may end first, and the other goes on', async t => {
  let app: Socket | undefined;
  const heard: string[] = [];
  const rig = new SessionRig(
    await tcpServer(socket => {
      app = socket;
      socket.on('data', data => heard.push(data.toString()));
      socket.on('end', () => heard.push('end'));
    }),
  );
  t.after(() => rig.close());
  const first = await rig.open();
  first.write('question');
  first.socket.end();
  await eventually(() => heard.join() === 'question,end');
  app!.write('an answer');
  await first.until(({ text }) => text === 'an answer');
  app!.end('!');
  await first.until(({ closed }) => closed);
  assert.deepEqual([first.text, first.error], ['an answer!', '']);

  const second = await rig.open();
  heard.length = 0;
  await eventually(() => app!.readyState === 'open');
  app!.end('greeting');
  await second.until(({ ended }) => ended);
  assert.equal(second.text, 'greeting');
  second.socket.end('farewell');
  await eventually(() => heard.join() === 'farewell,end');
  await eventually(() => counted(rig.server).closed === 2 && counted(rig.client).closed === 2);
  assert.ok([...rig.client.access.records, ...rig.server.access.records].every(({ flag }) => flag === ''));
});

test('a reset of either side is a reset for the other, also after that one has ended', async t => {
  const apps: Socket[] = [];
  const errors: string[] = [];
  const rig = new SessionRig(
    await tcpServer(socket => {
      apps.push(socket);
      socket.resume();
      socket.on('error', (error: NodeJS.ErrnoException) => errors.push(error.code!));
    }),
  );
  t.after(() => rig.close());
  for (const ends of [false, true]) {
    const raw = await rig.open();
    if (ends) raw.socket.end();
    await eventually(() => apps.length > 0 && (!ends || apps.at(-1)!.readableEnded));
    apps.pop()!.resetAndDestroy();
    await raw.until(({ closed }) => closed);
    assert.equal(raw.error, 'ECONNRESET', `the app resets, its client has ended: ${ends}`);
    await eventually(() => rig.client.access.records.length === (ends ? 2 : 1));
    const { flag, detail } = rig.client.access.records.at(-1)!;
    assert.deepEqual([flag, detail], ['UR', 'ECONNRESET']);
  }
  for (const ends of [false, true]) {
    const raw = await rig.open();
    await eventually(() => apps.length > 0);
    if (ends) {
      apps[0]!.end();
      await raw.until(({ ended }) => ended);
    }
    raw.socket.resetAndDestroy();
    await eventually(() => errors.length === (ends ? 2 : 1));
    assert.equal(errors.at(-1), 'ECONNRESET', `the client resets, its app has ended: ${ends}`);
    apps.pop();
  }
  // An app that ends, and then takes nothing any more.
  const raw = await rig.open();
  await eventually(() => apps.length > 0);
  apps[0]!.end();
  await raw.until(({ ended }) => ended);
  apps[0]!.resetAndDestroy();
  while (!raw.closed) {
    raw.write('more');
    await new Promise(resolve => setImmediate(resolve));
  }
  // The kernel's word for a reset of a connection whose other side has ended.
  assert.equal(raw.error, 'EPIPE');
  assert.equal(rig.carriers, 1, 'nobody else is hurt');
});

test('when the connection under them is lost, sessions end by a reset on both sides, whatever they carried', async t => {
  let error = '';
  const rig = new SessionRig(
    await tcpServer(socket =>
      socket
        .on('data', data => socket.write(data))
        .on('error', (thrown: NodeJS.ErrnoException) => {
          error = thrown.code!;
        }),
    ),
  );
  t.after(() => rig.close());
  const raw = await rig.open();
  assert.ok(await echoes(raw, 'hello'));
  // As when its process dies: an end of TCP, and no END_STREAM.
  rig.server.plane.destroy();
  await raw.until(({ closed }) => closed);
  assert.equal(raw.error, 'ECONNRESET');
  await eventually(() => error === 'ECONNRESET');
  assert.equal(rig.client.access.records[0]!.flag, 'UR');
});

test('a server that speaks first is heard, whatever its client says', async t => {
  const rig = new SessionRig(await tcpServer(socket => socket.write('220 ready\r\n')));
  t.after(() => rig.close());
  for (let n = 0; n < 3; n++) {
    const raw = await rig.open();
    await raw.until(({ text }) => text === '220 ready\r\n');
  }
  assert.equal(rig.carriers, 1);
});

test('an app that takes no connection is one that cannot be reached: another endpoint is tried, and it is told', async t => {
  const app = await echo();
  const rig = new SessionRig(app);
  t.after(() => rig.close());
  const { mesh } = rig;
  const other = mesh.proxy('other', { ports: [{ number: CLOSED_PORT, protocol: 'tcp', mtls: 'strict' }] });
  mesh.set({ key: 'app:1', protocol: 'tcp', endpoints: [mesh.meshed(other, CLOSED_PORT)] });
  const refused = await rawConnection(rig.client.plane.outboundPort);
  refused.write('CONNECT app:1 HTTP/1.1\r\nHost: app:1\r\n\r\n');
  await refused.until(({ ended }) => ended);
  assert.match(
    refused.text,
    /^HTTP\/1\.1 503 .*x-weft-flag: UF.*its proxy is there, and cannot reach the app/s,
  );
  assert.equal(rig.cluster.occupancy.connectFailures, 1);
  assert.equal(other.access.records[0]!.flag, 'UF');
  mesh.set({
    key: 'app:1',
    protocol: 'tcp',
    endpoints: [mesh.meshed(other, CLOSED_PORT), mesh.meshed(rig.server, app.port)],
  });
  for (let n = 0; n < 8; n++) assert.ok(await echoes(await rig.open(), 'hello'));
  assert.equal(rig.cluster.occupancy.connections, 8);
});

test('a port of which the callee does not know that it carries bytes has connections of their own', async t => {
  const rig = new SessionRig(await echo(), { port: { protocol: 'auto' } });
  t.after(() => rig.close());
  assert.ok(await echoes(await rig.open(), 'hello'));
  assert.ok(await echoes(await rig.open(), 'hello'));
  // One that took no stream, and two for the sessions.
  assert.equal(rig.server.plane.underWay.inbound, 3);
  const [series] = [counted(rig.server)];
  assert.equal(series.opened, 2);
  assert.equal(rig.client.access.records.length, 0);
});

test('a proxy that knows no streams gets a connection for each session, from the first one on', async t => {
  const app = await echo();
  const rig = new SessionRig(app);
  const { mesh } = rig;
  const tls = new MeshTls();
  tls.update(
    credentialsOf(mesh.ca, { trustDomain: 'cluster.local', namespace: 'default', serviceAccount: 'server' }),
  );
  const older = olderProxy(tls);
  t.after(() => {
    older.close();
    rig.close();
  });
  const endpoint = { ...mesh.meshed(rig.server, app.port), tunnelPort: older.port };
  mesh.set({ key: 'app:1', protocol: 'tcp', endpoints: [endpoint] });
  const all = await Promise.all(Array.from({ length: 5 }, () => rig.open()));
  for (const raw of all) assert.ok(await echoes(raw, 'hello'));
  assert.ok(await echoes(await rig.open(), 'hello'));
  assert.deepEqual(
    older.agreed,
    Array.from({ length: 6 }, () => 'weft/tcp'),
  );
  assert.equal(app.accepted(), 6, 'nothing but the bytes of clients goes to the app');
  assert.equal(rig.cluster.occupancy.connections, 6);
  assert.equal(rig.cluster.occupancy.connectFailures, 0);
});

test('limits of connections count sessions', async t => {
  const limits = { maxConnections: 2, maxPendingRequests: 10, maxRequests: 10, maxRequestsPerConnection: 1 };
  const rig = new SessionRig(await echo(), { settings: { limits } });
  t.after(() => rig.close());
  const [first, second] = [await rig.open(), await rig.open()];
  const third = await rawConnection(rig.client.plane.outboundPort);
  third.write('CONNECT app:1 HTTP/1.1\r\nHost: app:1\r\n\r\n');
  await third.until(({ ended }) => ended);
  assert.match(third.text, /x-weft-flag: UO.*2 connections to app:1 are open/s);
  first.socket.destroy();
  await eventually(() => rig.cluster.occupancy.connections === 1);
  assert.ok(await echoes(await rig.open(), 'hello'));
  assert.ok(await echoes(second, 'hello'));
  assert.equal(rig.carriers, 1, 'what bounds the requests of a connection does not bound sessions');
});

test('a callee that drains lets sessions live, and new ones come in on another connection', async t => {
  const rig = new SessionRig(await echo());
  t.after(() => rig.close());
  const old = await rig.open();
  assert.ok(await echoes(old, 'one'));
  rig.server.plane.drain();
  await eventually(() => rig.carriers === 0);
  assert.ok(await echoes(old, 'two'));
  const late = await rig.open();
  assert.ok(await echoes(late, 'three'));
  assert.ok(await echoes(old, 'four'));
  for (const raw of [old, late]) {
    raw.socket.end();
    await raw.until(({ ended }) => ended);
  }
  await eventually(() => rig.server.plane.underWay.inbound === 0);
  assert.ok(rig.client.access.records.every(({ flag }) => flag === ''));
});

test('an endpoint that is taken away keeps its sessions, and gets no new ones', async t => {
  const app = await echo();
  const rig = new SessionRig(app);
  t.after(() => rig.close());
  const old = await rig.open();
  assert.ok(await echoes(old, 'one'));
  rig.mesh.set({ key: 'app:1', protocol: 'tcp', endpoints: [], total: 0 });
  assert.ok(await echoes(old, 'two'));
  assert.equal(rig.cluster.size, 0);
  old.socket.end();
  await old.until(({ ended }) => ended);
  await eventually(() => rig.server.plane.underWay.inbound === 0);
});

test('after one that carried much, the next session has a connection of its own, until they are small again', async t => {
  const much = 9 * 1024 * 1024;
  const app = await tcpServer(socket =>
    socket.once('data', ([first]) => socket.end(Buffer.alloc(first === 0x6d ? much : 1))),
  );
  const rig = new SessionRig(app);
  t.after(() => rig.close());
  const fetch = async (what: string): Promise<void> => {
    const raw = await rig.open();
    let bytes = 0;
    raw.socket.on('data', data => {
      bytes += data.length;
      raw.text = '';
    });
    raw.write(what);
    await raw.until(({ ended }) => ended);
    assert.equal(bytes, what === 'm' ? much : 1);
    raw.socket.end();
    await raw.until(({ closed }) => closed);
    await eventually(() => rig.cluster.occupancy.connections === 0);
  };
  const alone = (): number => rig.server.plane.underWay.inbound - 1;
  await fetch('m');
  assert.equal(alone(), 0);
  const held = await rig.open();
  assert.equal(alone(), 1, 'the next one is alone');
  held.write('s');
  await held.until(({ ended }) => ended);
  held.socket.end();
  await eventually(() => alone() === 0);
  for (const _ of [1, 2]) await fetch('s');
  await rig.open();
  assert.equal(alone(), 0);
});

test('a reader that has stopped keeps its own sender waiting, and nobody else', async t => {
  const stopped: Socket[] = [];
  let isFirst = true;
  const rig = new SessionRig(
    await tcpServer(socket => {
      if (!isFirst) {
        socket.on('data', data => socket.write(data));
        return;
      }
      isFirst = false;
      stopped.push(socket.pause());
    }),
  );
  t.after(() => rig.close());
  const stuck = await rig.open();
  await eventually(() => stopped.length === 1);
  const sent = 32 * 1024 * 1024;
  stuck.write(Buffer.alloc(sent));
  const other = await rig.open();
  // Until nothing more of it fits anywhere between the two.
  for (let still = 0, before = -1; still < 50; before = stuck.socket.writableLength) {
    assert.ok(await echoes(other, 'hello'));
    still = stuck.socket.writableLength === before ? still + 1 : 0;
  }
  assert.ok(stuck.socket.writableLength > 0);
  let got = 0;
  stopped[0]!.on('data', data => {
    got += data.length;
  });
  stopped[0]!.resume();
  await eventually(() => got === sent);
  assert.equal(rig.carriers, 1);
});

test('a storm of connections at once loses none', async t => {
  const rig = new SessionRig(await echo(), {
    settings: {
      limits: { maxConnections: 4096, maxPendingRequests: 1, maxRequests: 1, maxRequestsPerConnection: 0 },
    },
  });
  t.after(() => rig.close());
  const all = await Promise.all(Array.from({ length: 1000 }, () => rig.open()));
  const answers = await Promise.all(all.map((raw, n) => echoes(raw, `hello ${n}`)));
  assert.equal(answers.filter(answered => answered).length, 1000);
  // A hundred on each.
  assert.equal(rig.carriers, 10);
  assert.equal(counted(rig.server).opened, 1000);
  for (const raw of all) raw.socket.destroy();
  await eventually(() => rig.cluster.occupancy.connections === 0);
});
