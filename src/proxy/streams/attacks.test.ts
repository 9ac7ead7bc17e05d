// What a peer can try on connections that carry connections of apps; docs/security.md has the rows. Node's own client of HTTP/2
// is the attacker, with a certificate of the mesh unless the test says otherwise.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { test } from 'node:test';
import { type SecureContext, connect as tlsConnect } from 'node:tls';
import type { WorkloadAuthorization } from '../../model/index.ts';
import { MeshTls } from '../../tls/index.ts';
import { encodePreface } from '../connect/preface.ts';
import { rawConnection, tcpServer } from '../testing/clients.ts';
import { eventually } from '../testing/redirected.ts';
import { SessionRig } from '../testing/session-rig.ts';
import { credentialsOf } from '../testing/static-mesh.ts';

/** An app that writes down what it hears, and greets. */
async function greeter() {
  const heard: string[] = [];
  const app = await tcpServer(socket => {
    socket.on('data', data => heard.push(data.toString()));
    socket.write('220 ready\r\n');
  });
  return { ...app, heard };
}

/** A connection of a mesh peer that says that it carries sessions, for the port that its preface names. */
async function attacker(rig: SessionRig, port: number): Promise<ClientHttp2Session> {
  const tls = new MeshTls();
  tls.update(
    credentialsOf(rig.mesh.ca, { trustDomain: 'cluster.local', namespace: 'evil', serviceAccount: 'peer' }),
  );
  const socket = await handshake(rig, tls.context);
  assert.equal(socket.alpnProtocol, 'weft/streams');
  const source = { workload: 'peer', namespace: '', app: '', version: '', principal: '', pod: '' };
  // Node's codec of HTTP/2 takes the handle over, and there must be no write under way on it.
  await new Promise(resolve => socket.write(encodePreface({ port, source, address: '' }), resolve));
  const session = connect('http://app', { createConnection: () => socket });
  session.on('error', () => {});
  await once(session, 'remoteSettings');
  return session;
}

async function handshake(rig: SessionRig, secureContext: SecureContext | undefined) {
  const socket = tlsConnect({
    host: '127.0.0.1',
    port: rig.server.plane.inboundPort,
    ALPNProtocols: ['weft/streams'],
    rejectUnauthorized: false,
    ...(secureContext && { secureContext }),
  });
  socket.on('error', () => {});
  await once(socket, 'secureConnect');
  return socket;
}

/** Lets in whoever is of the namespace default, as the rig's client and not the attacker. */
const onlyDefault: WorkloadAuthorization = {
  action: 'allow',
  from: {
    apiVersion: 'security.istio.io/v1',
    kind: 'AuthorizationPolicy',
    namespace: 'default',
    name: 'own',
  },
  rules: [{ name: '0', clauses: [[[{ of: 'namespace', values: [{ kind: 'exact', value: 'default' }] }]]] }],
};

/** How a request on it goes: its status, or the code of the reset. */
async function answer(stream: ClientHttp2Stream): Promise<number | string> {
  stream.on('error', () => {});
  return new Promise(resolve => {
    stream.on('response', headers => resolve(headers[':status']!));
    stream.on('close', () => resolve(`reset ${stream.rstCode}`));
  });
}

function opens(session: ClientHttp2Session, port: number): ClientHttp2Stream {
  return session.request({ ':method': 'CONNECT', ':authority': `127.0.0.1:${port}` });
}

test('a stream goes to the port of the preface and nowhere else, and is nothing but a stream of bytes', async t => {
  const [app, secret] = [await greeter(), await greeter()];
  const rig = new SessionRig(app);
  t.after(() => {
    secret.close();
    rig.close();
  });
  const session = await attacker(rig, app.port);
  const bad: readonly OutgoingHttpHeaders[] = [
    { ':method': 'CONNECT', ':authority': `127.0.0.1:${secret.port}` },
    { ':method': 'CONNECT', ':authority': `127.0.0.1:${rig.server.plane.inboundPort}` },
    { ':method': 'CONNECT', ':authority': `user@127.0.0.1:${app.port}` },
    { ':method': 'CONNECT', ':authority': `127.0.0.1:${app.port}0` },
    { ':method': 'CONNECT', ':authority': '127.0.0.1:0' },
    { ':method': 'CONNECT', ':authority': '127.0.0.1' },
    { ':method': 'GET', ':path': '/', ':authority': `127.0.0.1:${app.port}` },
    { ':method': 'POST', ':path': '/', ':authority': `127.0.0.1:${app.port}` },
    { ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/', ':authority': `127.0.0.1:${app.port}` },
  ];
  for (const headers of bad)
    assert.equal(await answer(session.request(headers)), 400, JSON.stringify(headers));
  const good = opens(session, app.port);
  assert.equal(await answer(good), 200, 'the connection goes on');
  assert.equal(((await once(good, 'data')) as [Buffer])[0].toString(), '220 ready\r\n');
  assert.deepEqual([app.accepted(), secret.accepted()], [1, 0]);
  const refused = [...rig.server.plane.services.counters.refused.entries()];
  assert.deepEqual(
    refused.map(([labels]) => labels),
    [`port="${app.port}",reason="bad-session"`],
  );
  session.destroy();
});

test('a port that requests are read at, or of which nobody knows, takes no streams', async t => {
  for (const protocol of ['http', 'http2', 'grpc', 'auto'] as const) {
    const app = await greeter();
    const rig = new SessionRig(app, { port: { protocol } });
    t.after(() => rig.close());
    const session = await attacker(rig, app.port);
    const stream = opens(session, app.port);
    stream.write('GET /admin HTTP/1.1\r\n\r\n');
    assert.equal(await answer(stream), 421, protocol);
    assert.equal(app.accepted(), 0, protocol);
    session.destroy();
  }
});

test('who may not call the port gets 403 for each stream, its early bytes go nowhere, and others go on', async t => {
  const app = await greeter();
  const rig = new SessionRig(app, { inbound: { authorization: [onlyDefault] } });
  t.after(() => rig.close());
  const session = await attacker(rig, app.port);
  for (let n = 0; n < 3; n++) {
    const stream = opens(session, app.port);
    stream.write('DROP TABLE users;');
    assert.equal(await answer(stream), 403);
  }
  assert.deepEqual([app.accepted(), app.heard.length], [0, 0]);
  const records = rig.server.access.records;
  assert.deepEqual(
    records.map(({ flag }) => flag),
    ['UAEX', 'UAEX', 'UAEX'],
  );
  assert.equal(records[0]!.peer, 'spiffe://cluster.local/ns/evil/sa/peer');
  const raw = await rig.open();
  await raw.until(({ text }) => text === '220 ready\r\n');
  session.destroy();
});

test('a policy that comes while streams are open cuts off who may not go on, and leaves who may as it was', async t => {
  const app = await greeter();
  const rig = new SessionRig(app);
  t.after(() => rig.close());
  const session = await attacker(rig, app.port);
  const streams = [opens(session, app.port), opens(session, app.port)];
  for (const stream of streams) assert.equal(await answer(stream), 200);
  const allowed = await rig.open();
  await allowed.until(({ text }) => text === '220 ready\r\n');
  const { plane } = rig.server;
  assert.equal(plane.apply({ ...plane.inboundPorts.resource!, authorization: [onlyDefault] }), undefined);
  await eventually(() => streams.every(({ destroyed }) => destroyed));
  assert.deepEqual(
    streams.map(({ rstCode }) => rstCode),
    [constants.NGHTTP2_CONNECT_ERROR, constants.NGHTTP2_CONNECT_ERROR],
  );
  assert.equal(await answer(opens(session, app.port)), 403);
  allowed.write('still here');
  await eventually(() => app.heard.join('') === 'still here');
  const flags = rig.server.access.records.map(({ flag }) => flag);
  assert.deepEqual(flags, ['UAEX', 'UAEX', 'UAEX']);
  session.destroy();
});

test('bytes before the answer are bytes of the session once it is open, in order', async t => {
  const app = await greeter();
  const rig = new SessionRig(app);
  t.after(() => rig.close());
  const session = await attacker(rig, app.port);
  const stream = opens(session, app.port);
  stream.write('early, ');
  stream.end('and the end');
  assert.equal(await answer(stream), 200);
  await eventually(() => app.heard.join('') === 'early, and the end');
  session.destroy();
});

test('a peer is told how many streams it may begin on a connection, and how much on each', async t => {
  const app = await greeter();
  const rig = new SessionRig(app);
  t.after(() => rig.close());
  const session = await attacker(rig, app.port);
  assert.equal(session.remoteSettings.maxConcurrentStreams, 100);
  const streams = Array.from({ length: 100 }, () => opens(session, app.port));
  assert.ok((await Promise.all(streams.map(answer))).every(status => status === 200));
  assert.equal(session.remoteSettings.initialWindowSize, 64 * 1024);
  await eventually(() => app.accepted() === 100);
  session.destroy();
  await eventually(() => rig.server.plane.underWay.inbound === 0);
});

test('without a certificate of the mesh nobody gets as far as a stream', async t => {
  const app = await greeter();
  const rig = new SessionRig(app);
  t.after(() => rig.close());
  const socket = await handshake(rig, undefined);
  await once(socket, 'close');
  // The same in plaintext: what begins as HTTP/2 on a port of bytes is judged as bytes, and a strict port takes none.
  const raw = await rawConnection(rig.server.plane.inboundPort);
  raw.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  await raw.until(({ ended, closed }) => ended || closed);
  assert.equal(app.accepted(), 0);
});

test('tiny pieces are what an app may send, and no attack', async t => {
  const app = await greeter();
  const rig = new SessionRig(app);
  t.after(() => rig.close());
  const raw = await rig.open();
  raw.socket.setNoDelay(true);
  const pieces = 20_000;
  for (let n = 0; n < pieces; n++) if (!raw.socket.write('x')) await once(raw.socket, 'drain');
  await eventually(() => app.heard.reduce((sum, text) => sum + text.length, 0) === pieces);
  assert.equal(raw.closed, false);
});
