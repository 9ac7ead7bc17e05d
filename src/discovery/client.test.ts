import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { CertificateAuthority } from '../ca/index.ts';
import { createKeyAndCsr } from '../identity/index.ts';
import { until } from '../kubernetes/testing/until.ts';
import type { HostPort } from '../model/index.ts';
import { systemClock } from '../time/index.ts';
import { DISCOVERY_ALPN } from './protocol.ts';
import { remoteSigner } from './remote-signer.ts';
import { RecordingSink } from './testing/recording-sink.ts';
import { controlPlaneId, frontId, SecureMesh, TestCredentials } from './testing/secure-mesh.ts';
import { reviews, reviewsSlice, shopYaml, streamSuite, TestMesh } from './testing/stream-suite.ts';

streamSuite('over tls', async (context, mesh, sink) => {
  const secure = await SecureMesh.start(context, mesh);
  return secure.client(context, sink);
});

async function setUp(context: TestContext) {
  const mesh = new TestMesh(shopYaml);
  const secure = await SecureMesh.start(context, mesh);
  const sink = new RecordingSink();
  return { mesh, secure, sink };
}

test('after the control plane was away the stream comes back, and what is known is not applied again', async context => {
  const { mesh, secure, sink } = await setUp(context);
  const client = secure.client(context, sink);
  client.want('10.96.0.5:80');
  await sink.until(() => sink.addresses(reviews) !== undefined);
  const before = sink.applied.length;
  secure.stop.abort();
  await sink.until(() => sink.connections.at(-1)!.up === false);
  client.want('front-0:1');
  const { authority, port } = secure;
  await SecureMesh.start(context, mesh, { authority, port });
  await sink.until(() => sink.get('destination', 'front-0:1') !== undefined);
  assert.equal(sink.connections.at(-1)!.up, true);
  const again = sink.applied.slice(before).map(each => each.key);
  assert.deepEqual(again, ['front-0:1', 'front-0.shop.svc.cluster.local:1'].slice(0, again.length));
  mesh.put(reviewsSlice('10.244.0.7'));
  await sink.until(() => sink.addresses(reviews)?.length === 1);
});

test('a bad name is never asked for: not at once, not at a new connection, and the stream stays', async context => {
  const { mesh, secure, sink } = await setUp(context);
  const credentials = new TestCredentials(secure.issue(frontId));
  const client = secure.client(context, sink, credentials);
  const long = `${'a'.repeat(377)}:80`;
  client.want(long);
  client.want('10.96.0.5:80');
  await sink.until(() => sink.addresses(reviews) !== undefined);
  credentials.set(secure.issue(frontId));
  mesh.put(reviewsSlice('10.244.0.7'));
  await sink.until(() => sink.addresses(reviews)?.length === 1);
  assert.match(sink.get('destination', long)!.refused!, /377|380/);
  assert.ok(sink.connections.every(({ up }, index) => up || index === 0));
  const names = secure.server.status().map(each => each.resources.map(({ key }) => key));
  assert.ok(!names.flat().includes(long), String(names));
});

test('a line that is no message ends the connection, not the process', async context => {
  const { secure, sink } = await setUp(context);
  for (const line of ['null', '7', '"text"', '{}', '[]']) {
    const address = { host: '127.0.0.1', port: await answering(context, secure, line) };
    const before = sink.connections.length;
    const broken = secure.client(context, sink, undefined, { address });
    await sink.until(() => sink.connections.length > before + 1);
    broken.close();
    assert.match(sink.connections.at(-1)!.reason, /a line that is no message/, line);
  }
});

/** A server with the control plane's certificate that says one line to everybody. */
async function answering(context: TestContext, secure: SecureMesh, line: string): Promise<number> {
  const { keyPem, chainPem } = secure.issue(controlPlaneId);
  const server = createTlsServer({ key: keyPem, cert: chainPem, ALPNProtocols: [DISCOVERY_ALPN] }, socket => {
    socket.on('error', () => {});
    socket.write(`${line}\n`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => server.close());
  return (server.address() as { port: number }).port;
}

test('a renewed certificate means a new connection, and nothing is applied again or reported as lost', async context => {
  const { mesh, secure, sink } = await setUp(context);
  const credentials = new TestCredentials(secure.issue(frontId));
  const client = secure.client(context, sink, credentials);
  client.want('10.96.0.5:80');
  await sink.until(() => sink.addresses(reviews) !== undefined);
  const [applied, connections] = [sink.applied.length, sink.connections.length];
  const first = secure.server.status()[0]!.address;
  credentials.set(secure.issue(frontId));
  mesh.put(reviewsSlice('10.244.0.7'));
  await sink.until(() => sink.addresses(reviews)?.length === 1);
  assert.equal(sink.applied.length, applied + 1);
  assert.equal(sink.connections.length, connections);
  const addresses = secure.server.status().map(each => each.address);
  assert.ok(
    addresses.some(each => each !== first),
    `${addresses}`,
  );
});

test('without credentials the stream waits for them', async context => {
  const { secure, sink } = await setUp(context);
  const credentials = new TestCredentials();
  secure.client(context, sink, credentials);
  assert.deepEqual(sink.connections, [{ up: false, reason: 'waiting for a certificate' }]);
  credentials.set(secure.issue(frontId));
  await sink.until(() => sink.connections.at(-1)!.up);
});

test('a control plane of another identity is refused with what it is and what it should be', async context => {
  const { secure, sink } = await setUp(context);
  secure.client(context, sink, undefined, { identity: 'spiffe://cluster.local/ns/a/sa/b' });
  await sink.until(() => sink.connections.length > 1);
  assert.match(
    sink.connections.at(-1)!.reason,
    /sa\/weft-injector and not spiffe:\/\/cluster\.local\/ns\/a\/sa\/b/,
  );
  assert.deepEqual(secure.server.status(), []);
});

test('a control plane of a foreign authority is not trusted', async context => {
  const { secure, sink } = await setUp(context);
  const foreign = CertificateAuthority.createRoot({ trustDomain: 'cluster.local', clock: systemClock });
  const credentials = new TestCredentials({ ...secure.issue(frontId), roots: foreign.roots });
  secure.client(context, sink, credentials, { bootstrapRoots: () => foreign.roots });
  await sink.until(() => sink.connections.length > 1);
  assert.match(sink.connections.at(-1)!.reason, /is not trusted/);
});

test('what answers but is no control plane is told apart from nothing at all', async context => {
  const { secure, sink } = await setUp(context);
  const server = createServer(socket => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n').on('error', () => {}));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => server.close());
  secure.stop.abort();
  const { port } = server.address() as { port: number };
  secure.port = port;
  secure.client(context, sink);
  await sink.until(() => sink.connections.length > 1);
  assert.match(sink.connections.at(-1)!.reason, /cannot be reached/);
});

/** A replica that takes the proxy, says how often it will be heard of, and then nothing: it hangs. */
async function hangingReplica(context: TestContext, secure: SecureMesh, everyMs: number) {
  const { keyPem, chainPem } = secure.issue(controlPlaneId);
  const sockets: TLSSocket[] = [];
  const server = createTlsServer({ key: keyPem, cert: chainPem, ALPNProtocols: [DISCOVERY_ALPN] }, socket => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.resume();
    socket.write(`{"type":"beat","everyMs":${everyMs}}\n`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { sockets, port: (server.address() as AddressInfo).port };
}

/** Ports in the order in which they are tried; the last one stands for all later attempts. */
function ports(list: readonly number[]): { readonly address: HostPort; readonly tried: number[] } {
  const tried: number[] = [];
  return {
    tried,
    get address() {
      const port = list[Math.min(tried.length, list.length - 1)]!;
      tried.push(port);
      return { host: '127.0.0.1', port };
    },
  };
}

/** What takes connections and never answers, as the kernel of a process that is stopped. */
async function silentReplica(context: TestContext) {
  const sockets = new Set<Socket>();
  const server = createServer(socket => sockets.add(socket.on('error', () => {}).resume()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { server, sockets, port: (server.address() as AddressInfo).port };
}

test('a replica that misses its beats is left for another, and nobody hears of a loss', async context => {
  const { mesh, secure, sink } = await setUp(context);
  const hanging = await hangingReplica(context, secure, 50);
  const silent = await silentReplica(context);
  // The Service brings it to one that hangs altogether before it brings it to one that is well.
  const bad = Array.from({ length: 5 }, () => silent.port);
  const service = ports([hanging.port, ...bad, secure.port]);
  const client = secure.client(context, sink, undefined, service);
  client.want('10.96.0.5:80');
  await sink.until(() => sink.addresses(reviews) !== undefined);
  assert.deepEqual(service.tried.slice(0, 7), [hanging.port, ...bad, secure.port]);
  assert.deepEqual(
    sink.connections.map(({ up }) => up),
    [false, true],
  );
  mesh.put(reviewsSlice('10.244.0.7'));
  await sink.until(() => sink.addresses(reviews)?.length === 1);
  await until('the others are given up', () =>
    [...silent.sockets, ...hanging.sockets].every(each => each.destroyed),
  );
});

test('neither a first connection nor a certificate waits for a replica that hangs', async context => {
  const { secure, sink } = await setUp(context);
  const silent = await silentReplica(context);
  const service = ports([silent.port, secure.port]);
  secure.client(context, sink, undefined, service);
  await sink.until(() => sink.connections.at(-1)!.up);
  assert.deepEqual(
    sink.connections.map(({ up }) => up),
    [false, true],
    'nothing was given up in between',
  );
  const token = await secure.tokens.issue({ namespace: 'shop', serviceAccount: 'front' });
  const again = ports([silent.port, secure.port]);
  const sign = remoteSigner({
    controlPlane: Object.defineProperty({ ...secure.controlPlane }, 'address', { get: () => again.address }),
    token: async () => token,
    credentials: () => undefined,
  });
  const request = { csr: createKeyAndCsr().csrPem, nowMs: secure.clock.now() };
  assert.ok((await sign(request, new AbortController().signal)).chain);
  assert.deepEqual(again.tried, [silent.port, secure.port]);
  await until('the others are given up', () => [...silent.sockets].every(each => each.destroyed));
});

test('a replica that speaks again before another was found is kept', async context => {
  const { secure, sink } = await setUp(context);
  const hanging = await hangingReplica(context, secure, 50);
  const silent = await silentReplica(context);
  const looked = once(silent.server, 'connection') as Promise<[Socket]>;
  secure.client(context, sink, undefined, ports([hanging.port, silent.port]));
  const [second] = await looked;
  const trust = { kind: 'trust', key: 'trust', roots: [], serviceRanges: [] };
  hanging.sockets[0]!.write(`${JSON.stringify({ type: 'resource', version: 1, resource: trust })}\n`);
  await until('the second attempt is given up', () => second.destroyed);
  await sink.until(() => sink.connections.at(-1)!.up);
  assert.equal(hanging.sockets.length, 1);
  assert.equal(hanging.sockets[0]!.destroyed, false);
});

test('after a loss a place where nobody listens is tried again in a hurry, and one that closes is not', async context => {
  const { mesh, secure, sink } = await setUp(context);
  const gone = createServer().listen(0, '127.0.0.1');
  await once(gone, 'listening');
  const { port: refusing } = gone.address() as AddressInfo;
  await new Promise(resolve => gone.close(resolve));
  const closing = createServer(socket => socket.on('error', () => {}).destroy()).listen(0, '127.0.0.1');
  await once(closing, 'listening');
  context.after(() => closing.close());
  const other = await SecureMesh.start(context, mesh, { authority: secure.authority });
  const service = ports([
    secure.port,
    refusing,
    refusing,
    refusing,
    refusing,
    (closing.address() as AddressInfo).port,
    other.port,
  ]);
  secure.client(context, sink, undefined, service);
  await sink.until(() => sink.connections.at(-1)!.up);
  secure.stop.abort();
  await sink.until(() => sink.connections.at(-1)!.up === false);
  await sink.until(() => sink.connections.at(-1)!.up);
  assert.equal(service.tried.length, 7);
  const losses = sink.connections.flatMap(({ up, reason }) => (up ? [] : [reason]));
  assert.equal(losses.length, 3, String(losses));
  assert.match(losses[1]!, /closed the connection/);
  assert.match(losses[2]!, /cannot be reached/);
});
