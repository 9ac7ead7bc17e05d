import assert from 'node:assert/strict';
import { randomInt, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { OID, toDer } from '../ca/asn1.ts';
import { extension } from '../ca/certificate-builder.ts';
import { alternativeNames, certify, rawExtension } from '../ca/testing/odd-certificates.ts';
import { der, TAG } from './der.ts';
import { principalOf } from './principal.ts';

const web = 'spiffe://cluster.local/ns/shop/sa/web';
const life = { notBeforeMs: Date.now() - 60_000, notAfterMs: Date.now() + 60_000 };

function principalWith(uris: readonly string[], dnsNames: readonly string[] = []): string | undefined {
  return principalOf(certify({ uris, dnsNames, ...life }).der);
}

test('finds the SPIFFE id, from bytes and from a certificate', () => {
  const { der } = certify({ uris: [web], ...life });
  assert.equal(principalOf(der), web);
  assert.equal(principalOf(new X509Certificate(der)), web);
  assert.equal(principalOf(new Uint8Array(der)), web);
});

test('finds it beside DNS names', () => {
  assert.equal(principalWith([web], ['web.shop.svc', 'web']), web);
});

test('finds none without a URI name', () => {
  assert.equal(principalOf(certify({ name: 'web', ...life }).der), undefined);
  assert.equal(principalWith([], ['web.shop.svc']), undefined);
});

test('refuses two URI names, whichever comes first', () => {
  assert.equal(principalWith([web, 'https://example.com/']), undefined);
  assert.equal(principalWith(['https://example.com/', web]), undefined);
  assert.equal(principalWith([web, web]), undefined);
});

test('refuses two subjectAltName extensions', () => {
  const extensions = [
    extension.notAnAuthority(),
    alternativeNames([web]),
    alternativeNames(['spiffe://a/ns/b/sa/c']),
  ];
  assert.equal(principalOf(certify({ extensions, ...life }).der), undefined);
});

test('refuses names of another layout', () => {
  const others = [
    'https://cluster.local/ns/shop/sa/web',
    'spiffe://cluster.local/shop/web',
    `${web}/`,
    `${web}?x`,
    `${web}#x`,
    ` ${web}`,
    `${web}\n`,
    `${web}\0`,
    'SPIFFE://cluster.local/ns/shop/sa/web',
    'spiffe://Cluster.local/ns/shop/sa/web',
    'spiffe://cluster.local/ns/../sa/web',
    'spiffe://cluster.local/ns/shop/sa/w%65b',
    'spiffe:///ns/shop/sa/web',
    `spiffe://cluster.local/ns/shop/sa/${'x'.repeat(3000)}`,
    '',
  ];
  for (const uri of others) assert.equal(principalWith([uri]), undefined, JSON.stringify(uri));
});

test('takes no identity from text inside another name', () => {
  assert.equal(principalWith([], [`x, URI:${web}`]), undefined);
  assert.equal(principalWith([`https://x/", URI:${web}`]), undefined);
  assert.equal(principalOf(certify({ name: `URI:${web}`, ...life }).der), undefined);
});

test('takes no identity from bytes that look like names inside another extension', () => {
  const inner = toDer(alternativeNames([web]));
  const extensions = [extension.notAnAuthority(), rawExtension('1.2.3.4', inner)];
  assert.equal(principalOf(certify({ extensions, ...life }).der), undefined);
});

test('refuses a subjectAltName that is not a list of names and nothing more', () => {
  const uri = Buffer.from(`\x86${String.fromCharCode(web.length)}${web}`, 'latin1');
  const names = der(TAG.sequence, uri);
  const whole = [extension.notAnAuthority(), rawExtension(OID.subjectAltName, names)];
  assert.equal(principalOf(certify({ extensions: whole, ...life }).der), web);
  const junk = der(TAG.octetString, Buffer.from('x'));
  const broken = [
    Buffer.alloc(0),
    uri,
    der(TAG.octetString, uri),
    Buffer.concat([names, junk]),
    Buffer.concat([names, Buffer.from([0])]),
    der(TAG.sequence, uri, Buffer.from([0x86])),
    Buffer.concat([Buffer.from([0x30, 0x80]), uri, Buffer.from([0, 0])]),
  ];
  for (const value of broken) {
    const extensions = [extension.notAnAuthority(), rawExtension(OID.subjectAltName, value)];
    assert.equal(principalOf(certify({ extensions, ...life }).der), undefined);
  }
});

test('finds none in anything cut short, and never throws on changed bytes', () => {
  const { der } = certify({ uris: [web], ...life });
  for (let length = 0; length < der.length; length++) {
    assert.equal(principalOf(der.subarray(0, length)), undefined);
  }
  assert.equal(principalOf(Buffer.concat([der, Buffer.from([0])])), undefined);
  for (let i = 0; i < 20_000; i++) {
    const changed = Buffer.from(der);
    for (let n = randomInt(1, 4); n > 0; n--) changed[randomInt(changed.length)] = randomInt(256);
    principalOf(changed);
  }
});
