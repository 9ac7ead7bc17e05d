// From a key to a handshake: what the two rooms make must be what node:tls takes.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { WeftError } from '../errors/index.ts';
import {
  CertificateKeeper,
  type Credentials,
  createKeyAndCsr,
  principalOf,
  readCredentials,
} from '../identity/index.ts';
import { systemClock } from '../time/index.ts';
import { CertificateAuthority } from './certificate-authority.ts';
import { JwtTokenVerifier } from './jwt-token-verifier.ts';
import { localSigner } from './local-signer.ts';
import { certify } from './testing/odd-certificates.ts';
import { TokenIssuer } from './token-issuer.ts';

const clock = systemClock;
const hour = 3600_000;

function newRoot(): CertificateAuthority {
  return CertificateAuthority.createRoot({ trustDomain: 'cluster.local', clock });
}

function good<T>(outcome: T | WeftError): T {
  assert.ok(!(outcome instanceof WeftError), String(outcome));
  return outcome;
}

/** Credentials of a ServiceAccount in namespace shop. */
function credentialsOf(ca: CertificateAuthority, serviceAccount: string, roots = ca.roots): Credentials {
  const { keyPem, csrPem } = createKeyAndCsr();
  const { chainPem } = good(
    ca.sign(csrPem, { trustDomain: 'cluster.local', namespace: 'shop', serviceAccount }),
  );
  return good(readCredentials({ keyPem, chainPem, roots }, clock.now()));
}

/** What the peer sends first; rejects when it sends nothing. */
function firstBytes(socket: TLSSocket): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.once('data', bytes => resolve(String(bytes)));
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed without a byte')));
  });
}

interface Handshake {
  readonly protocol: string | null;
  /** Whom the client saw. */
  readonly server: string | undefined;
  /** Whom the server saw. */
  readonly client: string | undefined;
}

/** TLS 1.3 with certificates on both sides over loopback; rejects when either side refuses. */
async function handshake(client: Partial<Credentials>, server: Credentials): Promise<Handshake> {
  const context = (one: Partial<Credentials>) => ({
    key: one.keyPem,
    cert: one.chainPem,
    ca: one.roots ? [...one.roots] : undefined,
    minVersion: 'TLSv1.3' as const,
  });
  const listener = createServer({ ...context(server), requestCert: true, rejectUnauthorized: true });
  const seen: (string | undefined)[] = [];
  listener.on('secureConnection', (socket: TLSSocket) => {
    seen.push(principalOf(socket.getPeerX509Certificate()!));
    socket.end('welcome');
  });
  listener.on('tlsClientError', (_error, socket) => socket.destroy());
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  const socket = connect({
    ...context(client),
    port,
    host: '127.0.0.1',
    checkServerIdentity: () => undefined,
  });
  try {
    await once(socket, 'secureConnect');
    const peer = principalOf(socket.getPeerX509Certificate()!);
    // In TLS 1.3 the client learns only with the first bytes whether the server took its certificate.
    assert.equal(await firstBytes(socket), 'welcome');
    return { protocol: socket.getProtocol(), server: peer, client: seen[0] };
  } finally {
    socket.destroy();
    listener.close();
    await once(listener, 'close');
  }
}

const webSeenByTill: Handshake = {
  protocol: 'TLSv1.3',
  server: 'spiffe://cluster.local/ns/shop/sa/till',
  client: 'spiffe://cluster.local/ns/shop/sa/web',
};

test('two peers with certificates of one root see each other as who they are', async () => {
  const ca = newRoot();
  assert.deepEqual(await handshake(credentialsOf(ca, 'web'), credentialsOf(ca, 'till')), webSeenByTill);
});

test('so do peers below an intermediate, whatever its key', async () => {
  const keys = [
    generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey,
    generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
  ];
  for (const key of keys) {
    const life = { notBeforeMs: clock.now() - hour, notAfterMs: clock.now() + hour };
    const root = certify({ name: 'root', ca: 1, ...life });
    const middle = certify({ name: 'middle', ca: 0, issuer: root, key, ...life });
    const parts = { keyPem: middle.keyPem, chainPem: middle.pem, roots: [root.pem] };
    const ca = good(CertificateAuthority.load(parts, clock));
    assert.deepEqual(await handshake(credentialsOf(ca, 'web'), credentialsOf(ca, 'till')), webSeenByTill);
  }
});

test('a peer of a foreign root is refused, as client and as server', async () => {
  const [ours, foreign] = [newRoot(), newRoot()];
  const web = credentialsOf(ours, 'web');
  const impostor = credentialsOf(foreign, 'till');
  await assert.rejects(handshake(web, impostor), { code: /SELF_SIGNED|UNABLE_TO/ });
  // Node's server hangs up on it; whether an alert still gets out depends on timing.
  const hungUp = /unknown ca|ECONNRESET|closed without a byte/i;
  await assert.rejects(handshake({ ...impostor, roots: web.roots }, web), hungUp);
});

test('a client without a certificate is refused', async () => {
  const ca = newRoot();
  await assert.rejects(
    handshake({ roots: ca.roots }, credentialsOf(ca, 'till')),
    /certificate required|ECONNRESET|closed without a byte/i,
  );
});

for (const minutes of [-5, 5]) {
  test(`clocks that are five minutes apart (the authority's and one peer's: ${minutes}) refuse nobody`, async () => {
    // What TLS compares with is the real time: it is the clock of the other peer, and of whoever checks the roots.
    const apart = { ...clock, now: () => clock.now() + minutes * 60_000 };
    const ca = CertificateAuthority.createRoot({ trustDomain: 'cluster.local', clock: apart });
    assert.deepEqual(await handshake(credentialsOf(ca, 'web'), credentialsOf(ca, 'till')), webSeenByTill);
  });
}

test('a certificate of an authority whose clock is far ahead is refused as not valid yet', async () => {
  const ahead = { ...clock, now: () => clock.now() + hour };
  const ca = CertificateAuthority.createRoot({ trustDomain: 'cluster.local', clock: ahead });
  const { keyPem, csrPem } = createKeyAndCsr();
  const who = { trustDomain: 'cluster.local', namespace: 'shop', serviceAccount: 'till' };
  const { chainPem } = good(ca.sign(csrPem, who));
  const till = good(readCredentials({ keyPem, chainPem, roots: ca.roots }, ahead.now()));
  await assert.rejects(handshake(till, till), { code: 'CERT_NOT_YET_VALID' });
});

test('a root is rotated old, both, new without a moment in which two peers refuse each other', async () => {
  const [old, young] = [newRoot(), newRoot()];
  const bothRoots = [...old.roots, ...young.roots];
  const stages = {
    old: (name: string) => credentialsOf(old, name),
    'old, trusting both': (name: string) => credentialsOf(old, name, bothRoots),
    'young, trusting both': (name: string) => credentialsOf(young, name, bothRoots),
    young: (name: string) => credentialsOf(young, name),
  };
  const steps = Object.values(stages);
  for (const [i, here] of steps.entries()) {
    // Not every proxy takes each step at once: neighbours meet, in both directions.
    const next = steps[Math.min(i + 1, steps.length - 1)]!;
    assert.deepEqual(await handshake(here('web'), next('till')), webSeenByTill);
    assert.deepEqual(await handshake(next('web'), here('till')), webSeenByTill);
  }
});

test('a proxy turns its token into credentials that its peers accept', async () => {
  const ca = newRoot();
  const tokens = good(TokenIssuer.create({ issuer: 'https://weft.sandbox', clock }));
  const verifier = good(
    JwtTokenVerifier.create({
      jwks: tokens.jwks(),
      issuer: tokens.issuer,
      trustDomain: 'cluster.local',
      clock,
    }),
  );
  const token = await tokens.issue({ namespace: 'shop', serviceAccount: 'web', pod: 'web-1' });
  const keeper = new CertificateKeeper({
    clock,
    principal: 'spiffe://cluster.local/ns/shop/sa/web',
    sign: async (request, signal) => {
      const { identity } = good(await verifier.verify(token));
      return localSigner(() => ca, identity, { clock })(request, signal);
    },
  });
  const life = new AbortController();
  try {
    keeper.start(life.signal);
    const web = await keeper.obtained(AbortSignal.timeout(5000));
    assert.deepEqual(await handshake(web, credentialsOf(ca, 'till')), webSeenByTill);
  } finally {
    life.abort();
  }
});
