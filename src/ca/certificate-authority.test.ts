import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { WeftError } from '../errors/index.ts';
import { createKeyAndCsr, principalOf, readCredentials } from '../identity/index.ts';
import { type Clock, FakeClock, systemClock } from '../time/index.ts';
import {
  BACKDATE_MS,
  CertificateAuthority,
  type SignedChain,
  type SignOptions,
} from './certificate-authority.ts';
import type { AuthorityParts } from './issuer.ts';
import { type Certified, certify, type OddCertificate } from './testing/odd-certificates.ts';

const hour = 3600_000;
const day = 24 * hour;
const web = { trustDomain: 'cluster.local', namespace: 'shop', serviceAccount: 'web' };
const { keyPem, csrPem } = createKeyAndCsr();

function rootAt(clock: Clock = new FakeClock(), lifetimeMs?: number): CertificateAuthority {
  return CertificateAuthority.createRoot({ trustDomain: 'cluster.local', clock, lifetimeMs });
}

function signed(ca: CertificateAuthority, options?: SignOptions): SignedChain {
  const outcome = ca.sign(csrPem, web, options);
  assert.ok(!(outcome instanceof WeftError), String(outcome));
  return outcome;
}

function loaded(parts: AuthorityParts, clock: Clock = new FakeClock()): CertificateAuthority {
  const outcome = CertificateAuthority.load(parts, clock);
  assert.ok(!(outcome instanceof WeftError), String(outcome));
  return outcome;
}

function refused(outcome: unknown, code: string, message: RegExp): void {
  assert.ok(outcome instanceof WeftError, 'should be refused');
  assert.equal(outcome.code, code, outcome.message);
  assert.match(outcome.message, message);
  assert.match(outcome.message, /; ./, 'names a remedy');
}

/** Certificates valid around the fake clock's start. */
function around(
  odd: Omit<OddCertificate, 'notBeforeMs' | 'notAfterMs'> & Partial<OddCertificate>,
): Certified {
  const nowMs = new FakeClock().now();
  return certify({ notBeforeMs: nowMs - hour, notAfterMs: nowMs + 365 * day, ...odd });
}

test('issues a certificate for the identity it is told and the key of the request', () => {
  const clock = new FakeClock();
  const ca = rootAt(clock);
  const chain = signed(ca);
  const leaf = new X509Certificate(chain.chainPem);
  assert.equal(principalOf(leaf), 'spiffe://cluster.local/ns/shop/sa/web');
  assert.equal(leaf.ca, false);
  assert.equal(leaf.subject || '', '');
  assert.deepEqual(leaf.keyUsage, ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
  assert.equal(leaf.serialNumber, chain.serial);
  const credentials = readCredentials({ keyPem, chainPem: chain.chainPem, roots: ca.roots }, clock.now());
  assert.ok(!(credentials instanceof WeftError), String(credentials));
  assert.equal(credentials.notAfterMs, chain.notAfterMs);
});

test('a certificate lives a day unless told otherwise, from six minutes ago on', () => {
  const clock = new FakeClock();
  const chain = signed(rootAt(clock));
  const leaf = new X509Certificate(chain.chainPem);
  assert.equal(leaf.validFromDate.getTime(), clock.now() - BACKDATE_MS);
  assert.equal(leaf.validToDate.getTime(), clock.now() + day);
  assert.equal(chain.notBeforeMs, clock.now() - BACKDATE_MS);
  assert.equal(chain.notAfterMs, clock.now() + day);
  assert.ok(BACKDATE_MS > 300_000);
});

test('a fresh root and what it issues are valid on machines whose clocks are five minutes behind', () => {
  const clock = new FakeClock();
  const ca = rootAt(clock);
  const { chainPem } = signed(ca);
  const behind = readCredentials({ keyPem, chainPem, roots: ca.roots }, clock.now() - 300_000);
  assert.ok(!(behind instanceof WeftError), String(behind));
});

test('lives of seconds are given, never shorter than asked', async () => {
  const clock = new FakeClock();
  const ca = rootAt(clock);
  await clock.advance(700);
  const { notAfterMs } = signed(ca, { lifetimeMs: 2000 });
  assert.equal(notAfterMs, new FakeClock().now() + 3000);
});

test('refuses lives that are none', () => {
  const ca = rootAt();
  for (const lifetimeMs of [0, -1, 999, Number.NaN, Number.NEGATIVE_INFINITY]) {
    refused(ca.sign(csrPem, web, { lifetimeMs }), 'lifetime-invalid', /cannot live/);
  }
});

test('nothing outlives its issuer', async () => {
  const clock = new FakeClock();
  const ca = rootAt(clock, 10 * day);
  assert.equal(signed(ca).shortened, false);
  const forever = signed(ca, { lifetimeMs: Number.POSITIVE_INFINITY });
  assert.equal(forever.notAfterMs, clock.now() + 10 * day);
  assert.equal(forever.shortened, true);
  await clock.advance(9.5 * day);
  assert.equal(signed(ca).notAfterMs, clock.now() + day / 2);
  await clock.advance(day / 2);
  refused(ca.sign(csrPem, web), 'certificate-expired', /root .* expired at .*renew it/);
});

test('serial numbers are 16 bytes, positive and never the same', () => {
  const ca = rootAt();
  const serials = new Set<string>();
  for (let i = 0; i < 300; i++) {
    const { serial } = signed(ca);
    assert.match(serial, /^[4-7][0-9A-F]{31}$/);
    serials.add(serial);
  }
  assert.equal(serials.size, 300);
});

test('adds DNS names for servers and refuses what is none', () => {
  const ca = rootAt();
  const dnsNames = ['weft-injector.weft-system.svc', '*.weft-system.svc.cluster.local', 'localhost'];
  const leaf = new X509Certificate(signed(ca, { dnsNames }).chainPem);
  for (const name of ['weft-injector.weft-system.svc', 'x.weft-system.svc.cluster.local', 'localhost']) {
    assert.equal(leaf.checkHost(name) === undefined, false, name);
  }
  assert.equal(principalOf(leaf), 'spiffe://cluster.local/ns/shop/sa/web');
  for (const name of [
    '',
    ' ',
    'a b',
    'a\0b',
    'x, URI:spiffe://a/ns/b/sa/c',
    '-a',
    'a..b',
    'ä',
    'x'.repeat(254),
  ]) {
    refused(ca.sign(csrPem, web, { dnsNames: [name] }), 'dns-name-malformed', /is not a DNS name/);
  }
});

test('refuses identities that would not be one SPIFFE id', () => {
  const ca = rootAt();
  for (const part of ['', 'a/b', 'a b', '../x', 'Ä', 'web?x', 'web#x', 'x'.repeat(300), 'a\nb']) {
    refused(ca.sign(csrPem, { ...web, serviceAccount: part }), 'identity-malformed', /is not a SPIFFE id/);
    refused(ca.sign(csrPem, { ...web, namespace: part }), 'identity-malformed', /is not a SPIFFE id/);
    refused(ca.sign(csrPem, { ...web, trustDomain: part }), 'identity-malformed', /is not a SPIFFE id/);
  }
});

test('refuses a request it cannot trust', () => {
  refused(rootAt().sign('junk', web), 'csr-malformed', /is not one PEM block/);
});

test('a root is a CA that signs certificates, and two of one trust domain have different names', () => {
  const [one, two] = [rootAt(), rootAt()].map(ca => new X509Certificate(ca.roots[0]!));
  assert.equal(one?.ca, true);
  assert.match(one!.subject, /^O=Weft\nCN=cluster\.local root [0-9a-f]{8}$/);
  assert.notEqual(one?.subject, two?.subject);
});

test('a root that ends after 2049 is written and read right', () => {
  const clock = new FakeClock();
  const ca = rootAt(clock, 40 * 365 * day);
  assert.equal(new X509Certificate(ca.roots[0]!).validToDate.getTime(), clock.now() + 40 * 365 * day);
  assert.equal(signed(ca, { lifetimeMs: 30 * 365 * day }).notAfterMs, clock.now() + 30 * 365 * day);
});

test('issues through an intermediate and hands out the chain without the root', () => {
  const clock = new FakeClock();
  const root = around({ name: 'root', ca: 1 });
  const middle = around({ name: 'middle', ca: 0, issuer: root, notAfterMs: clock.now() + 5 * day });
  for (const chainPem of [middle.pem, middle.pem + root.pem]) {
    const ca = loaded({ keyPem: middle.keyPem, chainPem, roots: [root.pem] }, clock);
    const chain = signed(ca, { lifetimeMs: 100 * day });
    assert.equal(chain.chainPem.match(/BEGIN/g)?.length, 2);
    assert.ok(chain.chainPem.endsWith(middle.pem));
    assert.equal(chain.notAfterMs, clock.now() + 5 * day);
    const credentials = readCredentials({ keyPem, chainPem: chain.chainPem, roots: ca.roots }, clock.now());
    assert.ok(!(credentials instanceof WeftError), String(credentials));
  }
});

test('issues with RSA and P-384 authorities, as cert-manager and Vault make them', () => {
  const keys = [
    generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
    generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey,
  ];
  for (const key of keys) {
    const clock = new FakeClock();
    const root = around({ name: 'root', ca: true, key });
    const ca = loaded({ keyPem: root.keyPem, chainPem: root.pem, roots: [root.pem] }, clock);
    const { chainPem } = signed(ca);
    const credentials = readCredentials({ keyPem, chainPem, roots: ca.roots }, clock.now());
    assert.ok(!(credentials instanceof WeftError), String(credentials));
  }
});

test('names several roots during a rotation and marks the one in use', () => {
  const clock = new FakeClock();
  const [old, young] = [rootAt(clock), rootAt(clock)];
  const both = loaded({ ...young.parts, roots: [...old.roots, ...young.roots] }, clock);
  assert.deepEqual(both.roots, [...old.roots, ...young.roots]);
  assert.deepEqual(
    both.expiries().map(({ role, active }) => [role, active]),
    [
      ['root', false],
      ['root', true],
    ],
  );
});

test('says when issuer and roots expire and raises alarms while there is time', async () => {
  const clock = new FakeClock();
  const root = around({ name: 'root', ca: 1 });
  const middle = around({ name: 'middle', ca: 0, issuer: root, notAfterMs: clock.now() + 10 * day });
  const old = around({ name: 'old', ca: 1, notAfterMs: clock.now() + 4 * day });
  const ca = loaded({ keyPem: middle.keyPem, chainPem: middle.pem, roots: [root.pem, old.pem] }, clock);
  assert.deepEqual(
    ca.expiries().map(({ role, subject, expiresInMs }) => [role, subject, expiresInMs / day]),
    [
      ['issuer', 'O=Weft, CN=middle', 10],
      ['root', 'O=Weft, CN=root', 365],
      ['root', 'O=Weft, CN=old', 4],
    ],
  );
  const alarms = (): string[] => ca.alarms().map(({ severity, code }) => `${severity} ${code}`);
  assert.deepEqual(alarms(), []);
  await clock.advance(5 * day);
  assert.deepEqual(alarms(), ['warning ca-expired']);
  assert.match(ca.alarms()[0]!.message, /CN=old' .*nothing is issued by it any more: take it out/);
  await clock.advance(4 * day);
  assert.deepEqual(alarms(), ['warning ca-expiring', 'warning ca-expired']);
  await clock.advance(2 * day);
  assert.deepEqual(alarms(), ['error ca-expired', 'warning ca-expired']);
  assert.match(
    ca.alarms()[0]!.message,
    /issuer certificate 'O=Weft, CN=middle' .* expired at 2026-01-11T.*weft ca rotate --now/,
  );
});

test('refuses authorities that cannot work, each with its reason', () => {
  const nowMs = new FakeClock().now();
  const root = around({ name: 'root', ca: 0 });
  const other = around({ name: 'other', ca: 0 });
  const load = (parts: Partial<AuthorityParts>): unknown =>
    CertificateAuthority.load(
      { keyPem: root.keyPem, chainPem: root.pem, roots: [root.pem], ...parts },
      new FakeClock(),
    );
  const own = (certified: Certified): Partial<AuthorityParts> => ({
    keyPem: certified.keyPem,
    chainPem: certified.pem,
  });
  refused(load(own(around({ name: 'leaf', issuer: root }))), 'ca-not-a-ca', /may not sign certificates/);
  refused(load({ keyPem: other.keyPem }), 'ca-key-mismatch', /private key is not the one of .*CN=root/);
  refused(load({ keyPem: 'junk' }), 'certificate-key-unreadable', /private key cannot be read/);
  refused(
    load({ chainPem: 'junk' }),
    'certificate-unreadable',
    /chain of the certificate authority holds no/,
  );
  refused(load({ roots: ['junk'] }), 'certificate-unreadable', /root certificates/);
  refused(load({ roots: [] }), 'certificate-not-a-root', /there is no root/);
  refused(load({ roots: [other.pem] }), 'certificate-foreign', /leads to none of the 1 trusted roots/);
  const expired = around({ name: 'root', ca: 0, notAfterMs: nowMs - 1000 });
  refused(load({ ...own(expired), roots: [expired.pem] }), 'certificate-expired', /CN=root' expired at/);
  const early = around({ name: 'root', ca: 0, notBeforeMs: nowMs + hour });
  refused(load({ ...own(early), roots: [early.pem] }), 'certificate-not-yet-valid', /valid only from/);
  const middle = around({ name: 'middle', ca: 0, issuer: root });
  refused(load(own(middle)), 'ca-path-too-long', /CN=root' allows 0 authorities below it and there are 1/);
  const small = around({
    name: 'root',
    ca: 0,
    key: generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey,
  });
  refused(load({ ...own(small), roots: [small.pem] }), 'ca-key-unsupported', /rsa 1024; use ECDSA P-256/);
});

const openssl = spawnSync('openssl', ['version']).status === 0;

test('openssl verifies what it issues, strictly', {
  skip: openssl ? false : 'openssl is not installed',
}, () => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-ca-'));
  try {
    const nowMs = Date.now();
    const top = certify({ name: 'top', ca: true, notBeforeMs: nowMs - hour, notAfterMs: nowMs + hour });
    const middle = certify({
      ...{ name: 'middle', ca: 0, issuer: top },
      notBeforeMs: nowMs - hour,
      notAfterMs: nowMs + hour,
    });
    const authorities = [
      rootAt(systemClock),
      loaded({ keyPem: middle.keyPem, chainPem: middle.pem, roots: [top.pem] }, systemClock),
    ];
    for (const ca of authorities) {
      const { chainPem } = signed(ca, { dnsNames: ['web.shop.svc'] });
      const [leaf, ...above] = chainPem.split(/(?=-----BEGIN)/);
      const write = (name: string, text: string): string => {
        writeFileSync(join(folder, name), text);
        return join(folder, name);
      };
      const files = ['-CAfile', write('roots.pem', ca.roots.join('')), write('leaf.pem', leaf!)];
      if (above.length > 0) files.unshift('-untrusted', write('above.pem', above.join('')));
      for (const purpose of ['sslserver', 'sslclient']) {
        const run = spawnSync('openssl', ['verify', '-x509_strict', '-purpose', purpose, ...files], {
          encoding: 'utf8',
        });
        assert.equal(run.status, 0, run.stdout + run.stderr);
      }
      const names = spawnSync('openssl', ['x509', '-noout', '-ext', 'subjectAltName'], {
        input: leaf,
        encoding: 'utf8',
      });
      assert.match(
        names.stdout,
        /critical\s+URI:spiffe:\/\/cluster\.local\/ns\/shop\/sa\/web, DNS:web\.shop\.svc/,
      );
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
