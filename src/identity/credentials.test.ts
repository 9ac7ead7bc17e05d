import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { test } from 'node:test';
import { type Certified, certify, type OddCertificate } from '../ca/testing/odd-certificates.ts';
import { WeftError } from '../errors/index.ts';
import { type CredentialParts, readCredentials } from './credentials.ts';

const nowMs = Date.UTC(2026, 5, 1, 12);
const minute = 60_000;
const life = { notBeforeMs: nowMs - 10 * minute, notAfterMs: nowMs + 10 * minute };
const web = 'spiffe://cluster.local/ns/shop/sa/web';
const root = certify({ name: 'root', ca: 1, ...life });
const middle = certify({ name: 'middle', ca: 0, issuer: root, ...life, notAfterMs: nowMs + 5 * minute });

function leaf(odd: Partial<OddCertificate> = {}): Certified {
  return certify({ uris: [web], issuer: root, ...life, ...odd });
}

function partsOf(certified: Certified, parts: Partial<CredentialParts> = {}): CredentialParts {
  return { keyPem: certified.keyPem, chainPem: certified.pem, roots: [root.pem], ...parts };
}

function refused(parts: CredentialParts, code: string, message: RegExp, atMs = nowMs): void {
  const error = readCredentials(parts, atMs);
  assert.ok(error instanceof WeftError, 'should be refused');
  assert.equal(error.code, code, error.message);
  assert.match(error.message, message);
  assert.match(error.message, /^[^A-Z]/);
  assert.match(error.message, /; ./, 'names a remedy');
}

test('reads a certificate of the root itself', () => {
  const own = leaf();
  const credentials = readCredentials(partsOf(own), nowMs);
  assert.ok(!(credentials instanceof WeftError));
  assert.equal(credentials.principal, web);
  assert.equal(credentials.notBeforeMs, life.notBeforeMs);
  assert.equal(credentials.notAfterMs, life.notAfterMs);
  assert.match(credentials.serial, /^[0-9A-F]{32}$/);
  assert.deepEqual(credentials.roots, [root.pem]);
});

test('reads a chain through an intermediate and expires with the first of it', () => {
  const own = leaf({ issuer: middle });
  const credentials = readCredentials(partsOf(own, { chainPem: own.pem + middle.pem }), nowMs);
  assert.ok(!(credentials instanceof WeftError));
  assert.equal(credentials.notAfterMs, nowMs + 5 * minute);
});

test('reads a chain that ends with its root', () => {
  const own = leaf({ issuer: middle });
  const chainPem = own.pem + middle.pem + root.pem;
  assert.ok(!(readCredentials(partsOf(own, { chainPem }), nowMs) instanceof WeftError));
});

test('reads several roots, in one PEM or in many, and gives them one by one', () => {
  const other = certify({ name: 'other', ca: 1, ...life });
  const own = leaf();
  for (const roots of [[other.pem + root.pem], [other.pem, root.pem]]) {
    const credentials = readCredentials(partsOf(own, { roots }), nowMs);
    assert.ok(!(credentials instanceof WeftError));
    assert.deepEqual(credentials.roots, [other.pem, root.pem]);
  }
});

test('takes a certificate without extended key usages, which allows any use', () => {
  assert.ok(!(readCredentials(partsOf(leaf({ purposes: [] })), nowMs) instanceof WeftError));
});

test('an expired root beside a good one does no harm', () => {
  const old = certify({ name: 'old', ca: 1, notBeforeMs: nowMs - 10 * minute, notAfterMs: nowMs - minute });
  assert.ok(!(readCredentials(partsOf(leaf(), { roots: [old.pem, root.pem] }), nowMs) instanceof WeftError));
});

test('refuses a key of another certificate', () => {
  const parts = partsOf(leaf(), { keyPem: leaf().keyPem });
  refused(parts, 'certificate-key-mismatch', /private key is not the one of certificate .*web/);
});

test('refuses keys that cannot be read, and shows nothing of them', () => {
  const own = leaf();
  refused(partsOf(own, { keyPem: '' }), 'certificate-key-unreadable', /cannot be read/);
  refused(partsOf(own, { keyPem: own.pem }), 'certificate-key-unreadable', /cannot be read/);
  const cut = own.keyPem.replace(/.{20}\n-----END/, '\n-----END');
  refused(partsOf(own, { keyPem: cut }), 'certificate-key-unreadable', /cannot be read/);
  const cipher = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' } as const;
  const encrypted = createPrivateKey(own.keyPem).export(cipher).toString();
  refused(partsOf(own, { keyPem: encrypted }), 'certificate-key-unreadable', /is encrypted; give it without/);
});

test('refuses certificates that cannot be read', () => {
  const own = leaf();
  refused(partsOf(own, { chainPem: '' }), 'certificate-unreadable', /chain holds no certificate/);
  refused(partsOf(own, { chainPem: own.keyPem }), 'certificate-unreadable', /holds a private key/);
  refused(
    partsOf(own, { roots: ['junk'] }),
    'certificate-unreadable',
    /root certificates holds? no certificate/,
  );
});

test('refuses roots that are none', () => {
  const own = leaf();
  refused(partsOf(own, { roots: [] }), 'certificate-not-a-root', /there is no root certificate/);
  refused(partsOf(own, { roots: [own.pem] }), 'certificate-not-a-root', /is not a CA certificate/);
  refused(partsOf(own, { roots: [middle.pem] }), 'certificate-not-a-root', /is not self-signed/);
});

test('refuses a certificate of a foreign root, even of one with the same name', () => {
  const impostor = certify({ name: 'root', ca: 1, ...life });
  refused(
    partsOf(leaf({ issuer: impostor })),
    'certificate-foreign',
    /leads to none of the 1 trusted roots.*CN=root/,
  );
});

test('refuses a chain with a gap, in the wrong order, or over a certificate that is no CA', () => {
  const own = leaf({ issuer: middle });
  refused(partsOf(own), 'certificate-foreign', /last issuer is 'O=Weft, CN=middle'/);
  refused(
    partsOf(own, { chainPem: own.pem + root.pem }),
    'certificate-chain-broken',
    /was not issued by the next/,
  );
  refused(partsOf(own, { chainPem: middle.pem + own.pem }), 'certificate-key-mismatch', /CN=middle/);
  const notCa = certify({ name: 'not-ca', issuer: root, ...life });
  const below = leaf({ issuer: notCa });
  refused(partsOf(below, { chainPem: below.pem + notCa.pem }), 'certificate-chain-broken', /not-ca/);
});

test('refuses a leaf that is a CA, names nobody, or names two', () => {
  refused(partsOf(leaf({ ca: 0 })), 'certificate-is-a-ca', /is a CA certificate/);
  refused(
    partsOf(leaf({ uris: [] })),
    'certificate-without-identity',
    /exactly one name of the form spiffe:/,
  );
  refused(partsOf(leaf({ uris: [web, web] })), 'certificate-without-identity', /exactly one/);
  refused(partsOf(leaf({ uris: ['https://x'] })), 'certificate-without-identity', /exactly one/);
});

test('refuses a leaf for servers only or for clients only', () => {
  const server = leaf({ purposes: ['1.3.6.1.5.5.7.3.1'] });
  refused(partsOf(server), 'certificate-wrong-purpose', /both TLS clients and servers/);
  const client = leaf({ purposes: ['1.3.6.1.5.5.7.3.2'] });
  refused(partsOf(client), 'certificate-wrong-purpose', /both TLS clients and servers/);
});

test('refuses what has expired and what is not valid yet, saying when and by how much', () => {
  const own = leaf();
  const after = life.notAfterMs + 90_000;
  refused(partsOf(own), 'certificate-expired', /expired at 2026-06-01T12:10:00.000Z, 90 s ago/, after);
  const before = life.notBeforeMs - 30_000;
  refused(partsOf(own), 'certificate-not-yet-valid', /only from 2026-06-01T11:50:00.000Z, in 30 s/, before);
});

test('expires exactly at its last moment', () => {
  const own = leaf();
  assert.ok(!(readCredentials(partsOf(own), life.notAfterMs - 1) instanceof WeftError));
  refused(partsOf(own), 'certificate-expired', /0 s ago/, life.notAfterMs);
});

test('refuses an expired intermediate by its name', () => {
  const own = leaf({ issuer: middle });
  const parts = partsOf(own, { chainPem: own.pem + middle.pem });
  refused(parts, 'certificate-expired', /CN=middle' expired/, nowMs + 6 * minute);
});

test('refuses an expired root by its name', () => {
  const old = certify({ name: 'old', ca: 1, notBeforeMs: nowMs - 10 * minute, notAfterMs: nowMs - minute });
  refused(partsOf(leaf({ issuer: old }), { roots: [old.pem] }), 'certificate-expired', /CN=old' expired/);
});
