import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { certify } from '../ca/testing/odd-certificates.ts';
import { below, seeded } from '../cluster/testing/random.ts';
import { WeftError } from '../errors/index.ts';
import { checkTime, followChain, nameOf, readRoots } from './chain.ts';
import { writePem } from './pem.ts';
import { principalOf } from './principal.ts';

const nowMs = Date.UTC(2026, 5, 1, 12);
const life = { notBeforeMs: nowMs - 600_000, notAfterMs: nowMs + 600_000 };
const root = certify({ name: 'root', ca: 1, ...life });
const leaf = certify({ uris: ['spiffe://cluster.local/ns/shop/sa/web'], issuer: root, ...life });

/** Certificates that Node takes, with one to three bytes of a good one changed. */
function* mutated(pem: string, count: number): Generator<X509Certificate> {
  const random = seeded(11);
  const { raw } = new X509Certificate(pem);
  for (let made = 0; made < count; ) {
    const bytes = Buffer.from(raw);
    for (let n = 1 + below(random, 3); n > 0; n--) bytes[below(random, bytes.length)] = below(random, 256);
    try {
      yield new X509Certificate(bytes);
      made++;
    } catch {
      // Not a certificate: readCertificates says so.
    }
  }
}

// Node's accessors throw for some of these, another set of them in each version (subjectAltName from 24.22 on).
test('whatever certificate Node takes, it is judged and named without an exception', () => {
  const trusted = [new X509Certificate(root.pem)];
  let foreign = 0;
  for (const certificate of mutated(leaf.pem, 5000)) {
    assert.match(nameOf(certificate), /^certificate '/);
    principalOf(certificate);
    const result = followChain([certificate], trusted, nowMs);
    if (result instanceof WeftError) foreign++;
    readRoots([writePem('CERTIFICATE', certificate.raw)]);
  }
  // Nearly every change breaks the signature.
  assert.ok(foreign > 4500, String(foreign));
});

test('a certificate whose times cannot be read holds never, and not for ever', () => {
  const unreadable = [...mutated(leaf.pem, 5000)].filter(({ validFromDate, validToDate }) =>
    [validFromDate, validToDate].some(date => Number.isNaN(date.getTime())),
  );
  assert.ok(unreadable.length > 10, String(unreadable.length));
  for (const certificate of unreadable) {
    const error = checkTime(certificate, nowMs);
    assert.equal(error?.code, 'certificate-unreadable-time');
    assert.match(error!.message, /; get another one$/);
  }
});
