import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { connect as connectTls, createSecureContext } from 'node:tls';
import { CertificateAuthority } from '../ca/index.ts';
import { type Certified, certify } from '../ca/testing/odd-certificates.ts';
import { type Credentials, createKeyAndCsr, readCredentials } from '../identity/index.ts';
import { parseSpiffe } from '../model/index.ts';
import { systemClock } from '../time/index.ts';
import { dial, Listener, type Wire, type WireHandler } from '../wire/index.ts';
import { ALPN, acceptMeshTls, connectMeshTls, type Handshake, MeshTls, type Secured } from './index.ts';

const hourMs = 3_600_000;
const ca = CertificateAuthority.createRoot({ trustDomain: 'cluster.local', clock: systemClock });
const idOf = (name: string): string => `spiffe://cluster.local/ns/default/sa/${name}`;

function credentials(name: string, authority = ca): Credentials {
  const { keyPem, csrPem } = createKeyAndCsr();
  const signed = authority.sign(csrPem, parseSpiffe(idOf(name))!, { lifetimeMs: hourMs });
  if (signed instanceof Error) throw signed;
  const made = readCredentials({ keyPem, chainPem: signed.chainPem, roots: authority.roots }, Date.now());
  if (made instanceof Error) throw made;
  return made;
}

function tlsOf(made: Pick<Credentials, 'keyPem' | 'chainPem' | 'roots' | 'principal'>): MeshTls {
  const tls = new MeshTls();
  tls.update(made as Credentials);
  return tls;
}

/** What one side's handshake came to. */
type Outcome = Secured | string;

/** Runs a handshake over loopback; the outcome of both sides. */
async function handshake(
  server: MeshTls,
  client: MeshTls,
  options: { expect?: string; alpn?: string; offered?: readonly string[] } = {},
): Promise<{ server: Outcome; client: Outcome }> {
  let listener: Listener;
  const atServer = new Promise<Outcome>(resolve => {
    listener = new Listener({ host: '127.0.0.1', port: 0, purpose: 'test' }, wire => {
      collectFirst(wire, bytes =>
        acceptMeshTls(wire, bytes, server, options.offered ?? [ALPN.h1, ALPN.tcp], {
          onSecured: resolve,
          onHandshakeError: resolve,
        }),
      );
    });
  });
  const wire = await dialed(listener!.port);
  const atClient = new Promise<Outcome>(resolve => {
    connectMeshTls(wire, client, [options.alpn ?? ALPN.h1], 'a.b', options.expect ?? idOf('server'), {
      onSecured: resolve,
      onHandshakeError: resolve,
    });
  });
  const outcome = { server: await atServer, client: await atClient };
  listener!.close();
  return outcome;
}

/** Reads the first bytes as the inbound listener does. */
function collectFirst(wire: Wire, then: (bytes: Buffer) => void): void {
  wire.handler = {
    onData(bytes, start, end) {
      then(Buffer.from(bytes.subarray(start, end)));
    },
    onEnd() {},
    onDrain() {},
    onClose() {},
  };
  wire.resume();
}

function dialed(port: number): Promise<Wire> {
  return new Promise((resolve, reject) => {
    dial('127.0.0.1', port, '', { onConnect: resolve, onConnectError: error => reject(new Error(error)) });
  });
}

function close(...outcomes: Outcome[]): void {
  for (const outcome of outcomes) if (typeof outcome !== 'string') outcome.wire.destroy();
}

test('both sides learn who the other is and what is spoken', async () => {
  const { server, client } = await handshake(tlsOf(credentials('server')), tlsOf(credentials('client')), {
    alpn: ALPN.tcp,
  });
  assert.ok(
    typeof server !== 'string' && typeof client !== 'string',
    `${server as string} ${client as string}`,
  );
  assert.equal(server.principal, idOf('client'));
  assert.equal(client.principal, idOf('server'));
  assert.deepEqual([server.protocol, client.protocol], [ALPN.tcp, ALPN.tcp]);
  assert.equal(server.wire.secure && client.wire.secure, true);
  close(server, client);
});

/** A certificate of our root for `name` with other times or names. */
const root: Certified = certify({
  name: 'root',
  ca: true,
  notBeforeMs: Date.now() - hourMs,
  notAfterMs: Date.now() + hourMs,
});
function odd(
  uris: readonly string[],
  fromMs = Date.now() - hourMs,
  toMs = Date.now() + hourMs,
  issuer: Certified | undefined = root,
): MeshTls {
  const made = certify({ issuer, uris, notBeforeMs: fromMs, notAfterMs: toMs });
  return tlsOf({ keyPem: made.keyPem, chainPem: made.pem, roots: [root.pem], principal: uris[0] ?? '' });
}

test('certificates that must not be accepted are refused in words by whoever sees them', async () => {
  const good = (name: string): MeshTls => odd([idOf(name)]);
  const past = (name: string): MeshTls => odd([idOf(name)], Date.now() - 2 * hourMs, Date.now() - 1_000);
  const future = (name: string): MeshTls => odd([idOf(name)], Date.now() + hourMs, Date.now() + 2 * hourMs);
  const foreignRoot = certify({
    name: 'other',
    ca: true,
    notBeforeMs: Date.now() - hourMs,
    notAfterMs: Date.now() + hourMs,
  });
  const foreign = (name: string): MeshTls => odd([idOf(name)], undefined, undefined, foreignRoot);
  const cases: [string, (name: string) => MeshTls, RegExp][] = [
    ['expired', past, /certificate has expired; is its proxy cut off/],
    ['not valid yet', future, /not valid yet; compare the clocks/],
    ['of another root', foreign, /another root|not signed by the root|unable to verify/],
    ['without a SPIFFE id', () => odd([]), /no certificate with a SPIFFE id/],
    ['with two SPIFFE ids', name => odd([idOf(name), idOf('admin')]), /no certificate with a SPIFFE id/],
    [
      'with an id of another layout',
      () => odd(['spiffe://cluster.local/server']),
      /no certificate with a SPIFFE id/,
    ],
  ];
  for (const [what, make, words] of cases) {
    const atClient = await handshake(make('server'), good('client'));
    assert.ok(typeof atClient.client === 'string', `a server certificate ${what} was accepted`);
    assert.match(atClient.client, words, `server certificate ${what}`);
    const atServer = await handshake(good('server'), make('client'));
    assert.ok(typeof atServer.server === 'string', `a client certificate ${what} was accepted`);
    assert.match(atServer.server, words, `client certificate ${what}`);
    close(atClient.server, atServer.client);
  }
});

test('a peer of the same mesh that is somebody else than expected is refused by name', async () => {
  const { server, client } = await handshake(tlsOf(credentials('other')), tlsOf(credentials('client')));
  assert.equal(
    client,
    `the peer is ${idOf('other')}, expected ${idOf('server')}; its address may have been taken over by another pod`,
  );
  close(server);
  const anybody = await handshake(tlsOf(credentials('other')), tlsOf(credentials('client')), { expect: '' });
  assert.ok(typeof anybody.client !== 'string');
  close(anybody.server, anybody.client);
});

test('a client without a certificate is refused', async () => {
  const bare = new MeshTls();
  Object.defineProperty(bare, 'context', {
    value: createSecureContext({ ca: [...ca.roots], minVersion: 'TLSv1.3' }),
  });
  const { server, client } = await handshake(tlsOf(credentials('server')), bare);
  assert.ok(typeof server === 'string');
  assert.match(server, /no certificate; only mesh proxies|no certificate with a SPIFFE id/);
  close(client);
});

test('no protocol in common is told as that', async () => {
  const { server, client } = await handshake(tlsOf(credentials('server')), tlsOf(credentials('client')), {
    offered: ['weft/h2'],
  });
  assert.ok(typeof client === 'string' && typeof server === 'string');
  assert.match(client, /does not speak the mesh protocol/);
});

/** A plain TCP server, and what a client's handshake with it came to. */
async function withPlainServer(
  serve: (socket: Socket) => void,
): Promise<{ outcome: Promise<Outcome>; started: Handshake; close: () => void; sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, socket => {
    sockets.push(socket);
    socket.on('error', () => {});
    serve(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const wire = await dialed((server.address() as { port: number }).port);
  let started!: Handshake;
  const outcome = new Promise<Outcome>(resolve => {
    started = connectMeshTls(wire, tlsOf(credentials('client')), [ALPN.h1], 'a', idOf('server'), {
      onSecured: resolve,
      onHandshakeError: resolve,
    });
  });
  return {
    outcome,
    started,
    sockets,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

test('a server that does not speak TLS, closes or resets is told as that', async () => {
  const cases: [(socket: Socket) => void, RegExp][] = [
    [
      socket => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'),
      /does not speak TLS on this port|closed the connection/,
    ],
    [
      socket => socket.once('data', () => socket.end()),
      /closed the connection during the TLS handshake|disconnected before secure/,
    ],
    [socket => socket.once('data', () => socket.resetAndDestroy()), /ECONNRESET|closed the connection/],
  ];
  for (const [serve, words] of cases) {
    const plain = await withPlainServer(serve);
    const outcome = await plain.outcome;
    assert.ok(typeof outcome === 'string');
    assert.match(outcome, words);
    plain.close();
  }
});

test('a handshake that is given up tells nobody and closes the connection', async () => {
  let hello = 0;
  const plain = await withPlainServer(socket => socket.on('data', data => (hello += data.length)));
  let told = false;
  void plain.outcome.then(() => {
    told = true;
  });
  while (hello === 0) await new Promise(resolve => setTimeout(resolve, 1));
  const ended = Promise.race([once(plain.sockets[0]!, 'end'), once(plain.sockets[0]!, 'close')]);
  plain.started.cancel();
  plain.started.cancel();
  await ended;
  assert.equal(told, false);
  plain.close();
});

test('new credentials hold from the next connection on; open ones are not touched', async () => {
  const server = tlsOf(credentials('server'));
  const client = tlsOf(credentials('client'));
  const old = await handshake(server, client);
  assert.ok(typeof old.server !== 'string' && typeof old.client !== 'string');
  server.update(credentials('renamed'));
  assert.equal(server.principal, idOf('renamed'));
  const seen = new Collector(old.client.wire);
  old.server.wire.write(Buffer.from('still here'), 0, 10);
  await seen.until(() => seen.text === 'still here');
  const fresh = await handshake(server, client, { expect: idOf('renamed') });
  assert.ok(typeof fresh.client !== 'string');
  assert.equal(fresh.client.principal, idOf('renamed'));
  close(old.server, old.client, fresh.server, fresh.client);
});

/** Collects what a wire receives. */
class Collector implements WireHandler {
  readonly chunks: Buffer[] = [];
  bytes = 0;
  ended = false;
  closed: string | undefined;
  drained: () => void = () => {};
  onBytes: (bytes: Buffer) => void = bytes => this.chunks.push(bytes);
  #wake: () => void = () => {};
  readonly wire: Wire;

  constructor(wire: Wire) {
    this.wire = wire;
    wire.handler = this;
    wire.resume();
  }
  onData(bytes: Buffer, start: number, end: number): void {
    this.bytes += end - start;
    this.onBytes(Buffer.from(bytes.subarray(start, end)));
    this.#wake();
  }
  onEnd(): void {
    this.ended = true;
    this.#wake();
  }
  onDrain(): void {
    this.drained();
  }
  onClose(error: string): void {
    this.closed = error;
    this.#wake();
  }
  get text(): string {
    return Buffer.concat(this.chunks).toString('latin1');
  }
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>(resolve => (this.#wake = resolve));
  }
}

const chunk = Buffer.from(Array.from({ length: 50_021 }, (_, i) => (i * 31) & 255));
/** Sends `total` bytes of a pattern with back-pressure, then ends. Returns how often it had to wait. */
function pour(collector: Collector, total: number): Promise<number> {
  let sent = 0;
  let waits = 0;
  return new Promise(resolve => {
    const go = (): void => {
      while (sent < total) {
        const length = Math.min(chunk.length, total - sent);
        sent += length;
        if (!collector.wire.write(chunk, 0, length)) {
          waits++;
          collector.drained = () => setImmediate(go);
          return;
        }
      }
      collector.wire.end();
      resolve(waits);
    };
    go();
  });
}

/** Checks that what arrives is the pattern. */
function checkPattern(collector: Collector): void {
  let at = 0;
  collector.onBytes = bytes => {
    for (let done = 0; done < bytes.length; ) {
      const offset = at % chunk.length;
      const length = Math.min(bytes.length - done, chunk.length - offset);
      if (bytes.compare(chunk, offset, offset + length, done, done + length) !== 0)
        throw new Error(`wrong bytes at ${at}`);
      done += length;
      at += length;
    }
  };
}

test('50 MB go both ways at once through TLS, with back-pressure, half-close and every byte in its place', async () => {
  const { server, client } = await handshake(tlsOf(credentials('server')), tlsOf(credentials('client')));
  assert.ok(typeof server !== 'string' && typeof client !== 'string');
  const total = 50_000_000;
  const [a, b] = [new Collector(server.wire), new Collector(client.wire)];
  checkPattern(a);
  checkPattern(b);
  const short = 1_000_000;
  const [waitsA] = await Promise.all([
    pour(a, total),
    pour(b, short),
    b.until(() => b.bytes === total && b.ended),
  ]);
  assert.ok(waitsA > 0, 'nothing ever had to wait, so that back-pressure was not tried');
  await a.until(() => a.bytes === short && a.ended);
  await a.until(() => a.closed !== undefined);
  await b.until(() => b.closed !== undefined);
  assert.deepEqual([a.closed, b.closed], ['', '']);
});

test('one side may end and go on receiving', async () => {
  const { server, client } = await handshake(tlsOf(credentials('server')), tlsOf(credentials('client')));
  assert.ok(typeof server !== 'string' && typeof client !== 'string');
  const [a, b] = [new Collector(server.wire), new Collector(client.wire)];
  b.wire.end();
  await a.until(() => a.ended);
  a.wire.write(Buffer.from('after your end'), 0, 14);
  await b.until(() => b.text === 'after your end');
  assert.equal(b.closed, undefined);
  a.wire.end();
  await b.until(() => b.closed !== undefined);
  await a.until(() => a.closed !== undefined);
});

test('a connection that is broken off is not taken for one that ended in order', async () => {
  for (const breaker of ['server', 'client'] as const) {
    const { server, client } = await handshake(tlsOf(credentials('server')), tlsOf(credentials('client')));
    assert.ok(typeof server !== 'string' && typeof client !== 'string');
    const [a, b] = breaker === 'server' ? [server, client] : [client, server];
    const seen = new Collector(b.wire);
    a.wire.write(Buffer.from('half of it'), 0, 10);
    await seen.until(() => seen.text === 'half of it');
    a.wire.reset();
    await seen.until(() => seen.ended || seen.closed !== undefined);
    assert.equal(seen.ended, false, `${breaker}: a reset looks like an orderly end to the peer`);
    assert.notEqual(seen.closed, '');
    b.wire.destroy();
  }
});

test('a thousand handshakes, failed and given up ones included, leave nothing open', async () => {
  const server = tlsOf(credentials('server'));
  const client = tlsOf(credentials('client'));
  const stranger = tlsOf(credentials('stranger'));
  const foreign = tlsOf(
    credentials(
      'server',
      CertificateAuthority.createRoot({ trustDomain: 'cluster.local', clock: systemClock }),
    ),
  );
  const sockets = (): number => process.getActiveResourcesInfo().filter(each => /TCP|TLS/.test(each)).length;
  const before = sockets();
  for (let round = 0; round < 125; round++) {
    const made = await Promise.all([
      handshake(server, client),
      handshake(stranger, client),
      handshake(foreign, client),
      handshake(server, foreign),
      givenUp(client),
      givenUp(client),
      notTls(server),
      notTls(server),
    ]);
    for (const each of made) if (each !== undefined) close(each.server, each.client);
  }
  for (let i = 0; i < 200 && sockets() > before; i++) await new Promise(resolve => setTimeout(resolve, 10));
  assert.ok(sockets() <= before, `${sockets()} sockets are open, ${before} were before`);
});

async function givenUp(client: MeshTls): Promise<undefined> {
  const server = createServer(socket => socket.on('error', () => {}).resume()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const wire = await dialed((server.address() as { port: number }).port);
  const started = connectMeshTls(wire, client, [ALPN.h1], 'a', '', { onSecured() {}, onHandshakeError() {} });
  await new Promise(resolve => setImmediate(resolve));
  started.cancel();
  server.close();
  await once(server, 'close');
  return undefined;
}

async function notTls(server: MeshTls): Promise<undefined> {
  const failed = Promise.withResolvers<string>();
  const listener = new Listener({ host: '127.0.0.1', port: 0, purpose: 'test' }, wire => {
    acceptMeshTls(wire, Buffer.from('160301000501000001', 'hex'), server, [ALPN.h1], {
      onSecured: () => failed.reject(new Error('secured')),
      onHandshakeError: failed.resolve,
    });
  });
  const socket = connectTcp(listener.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.end('garbage');
  await failed.promise;
  socket.destroy();
  listener.close();
  return undefined;
}

test('key exchange between proxies is hybrid post-quantum, and counted', async () => {
  const client = tlsOf(credentials('client'));
  const { server, client: secured } = await handshake(tlsOf(credentials('server')), client);
  assert.ok(typeof server !== 'string' && typeof secured !== 'string');
  assert.deepEqual([...client.peers.groups], [['X25519MLKEM768', 1]]);
  close(server, secured);
});

test('a revoked identity or certificate is refused by both sides, in words, and other peers are not', async () => {
  const made = credentials('client');
  const revoked = { domains: ['cluster.local'], revoked: [{ principal: idOf('client'), why: 'stolen' }] };
  const server = tlsOf(credentials('server'));
  server.peers.tell(revoked);
  const first = await handshake(server, tlsOf(made));
  assert.match(first.server as string, /the identity .*sa\/client is revoked \(stolen\); weft ca revoked/);
  close(first.client);
  server.peers.tell({ domains: ['cluster.local'], revoked: [{ serial: made.serial.toLowerCase() }] });
  const second = await handshake(server, tlsOf(made));
  assert.match(second.server as string, new RegExp(`the certificate ${made.serial} .* is revoked`));
  close(second.client);
  const renewed = await handshake(server, tlsOf(credentials('client')));
  assert.ok(typeof renewed.server !== 'string' && typeof renewed.client !== 'string');
  close(renewed.server, renewed.client);
  const client = tlsOf(credentials('client'));
  client.peers.tell({ domains: ['cluster.local'], revoked: [{ principal: idOf('server') }] });
  const third = await handshake(tlsOf(credentials('server')), client);
  assert.match(third.client as string, /the identity .*sa\/server is revoked/);
});

test('a revocation breaks off open connections on both sides within the same turn, and leaves others', async () => {
  const server = tlsOf(credentials('server'));
  const good = await handshake(server, tlsOf(credentials('client')));
  const bad = await handshake(server, tlsOf(credentials('thief')));
  assert.ok(typeof bad.server !== 'string' && typeof bad.client !== 'string');
  assert.ok(typeof good.server !== 'string' && typeof good.client !== 'string');
  assert.equal(server.peers.size, 2);
  const closed = new Promise<void>(resolve => {
    (bad.client as Secured).wire.handler = {
      ...{ onData() {}, onEnd() {}, onDrain() {} },
      onClose: () => resolve(),
    };
    (bad.client as Secured).wire.resume();
  });
  server.peers.tell({ domains: ['cluster.local'], revoked: [{ principal: idOf('thief') }] });
  assert.equal(bad.server.wire.closed, true);
  assert.equal(good.server.wire.closed, false);
  assert.deepEqual([server.peers.size, server.peers.brokenOff], [1, 1]);
  await closed;
  close(good.server, good.client);
});

test('a peer of another trust domain is refused unless that is an alias or federated, and an alias is the same workload', async () => {
  const oldId = 'spiffe://old.example/ns/default/sa/server';
  const { keyPem, csrPem } = createKeyAndCsr();
  const signed = ca.sign(csrPem, parseSpiffe(oldId)!, { lifetimeMs: hourMs });
  assert.ok(!(signed instanceof Error));
  const server = tlsOf({ keyPem, chainPem: signed.chainPem, roots: ca.roots, principal: oldId });
  const client = tlsOf(credentials('client'));
  client.peers.tell({ domains: ['cluster.local'] });
  const refused = await handshake(server, client);
  assert.match(
    refused.client as string,
    /trust domain old\.example, which is neither ours \(cluster\.local\)/,
  );
  client.peers.tell({ domains: ['cluster.local', 'old.example'] });
  const alias = await handshake(server, client);
  assert.ok(typeof alias.server !== 'string' && typeof alias.client !== 'string', String(alias.client));
  assert.equal(client.peers.canonical(oldId), idOf('server'));
  close(alias.server, alias.client);
  client.peers.tell({
    domains: ['cluster.local'],
    federated: [{ trustDomain: 'old.example', roots: [] }],
  });
  const federated = await handshake(server, client, { expect: oldId });
  assert.ok(typeof federated.server !== 'string' && typeof federated.client !== 'string');
  close(federated.server, federated.client);
  const other = await handshake(server, client);
  assert.match(
    other.client as string,
    /the peer is spiffe:\/\/old\.example.*expected spiffe:\/\/cluster\.local/,
  );
});

test('no session is resumed, so that there is no early data, older TLS is refused, and nothing is renegotiated', async context => {
  const tls = tlsOf(credentials('server'));
  const listener = new Listener({ host: '127.0.0.1', port: 0, purpose: 'test' }, wire => {
    collectFirst(wire, bytes =>
      acceptMeshTls(wire, bytes, tls, [ALPN.h1], {
        onSecured: secured => secured.wire.write(Buffer.from('hello'), 0, 5),
        onHandshakeError() {},
      }),
    );
  });
  context.after(() => listener.close());
  const { keyPem, chainPem, roots } = credentials('client');
  const common = {
    ...{ port: listener.port, key: keyPem, cert: chainPem, ca: [...roots] },
    ...{ ALPNProtocols: [ALPN.h1], checkServerIdentity: () => undefined },
  };
  const first = connectTls(common);
  const sessions: Buffer[] = [];
  first.on('session', session => sessions.push(session));
  await once(first, 'data');
  assert.equal(
    first.renegotiate({}, () => {}),
    false,
  );
  first.destroy();
  const session = sessions.at(-1) ?? first.getSession();
  const second = connectTls({ ...common, ...(session && { session }) });
  await once(second, 'secureConnect');
  assert.equal(second.isSessionReused(), false);
  second.destroy();
  const old = connectTls({ ...common, maxVersion: 'TLSv1.2' });
  const [error] = (await once(old, 'error')) as [NodeJS.ErrnoException];
  assert.match(error.code ?? '', /PROTOCOL_VERSION|ECONNRESET/);
});
