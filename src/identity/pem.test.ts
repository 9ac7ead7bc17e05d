import assert from 'node:assert/strict';
import { test } from 'node:test';
import { certify } from '../ca/testing/odd-certificates.ts';
import { WeftError } from '../errors/index.ts';
import { readCertificates, readPem, writePem } from './pem.ts';

const day = 86_400_000;
const one = certify({ name: 'one', ca: 1, notBeforeMs: Date.now() - day, notAfterMs: Date.now() + day });

test('writes what it reads', () => {
  for (const size of [0, 1, 47, 48, 49, 1000]) {
    const der = Buffer.alloc(size, 0x5a);
    assert.deepEqual(readPem(writePem('X', der)), [{ label: 'X', der }]);
  }
});

test('reads CRLF lines and words between blocks', () => {
  const text = `Subject: one\r\n${one.pem.replaceAll('\n', '\r\n')}\n# two\n${one.pem}`;
  assert.equal(readPem(text)?.length, 2);
});

test('refuses words between blocks where nothing else may stand', () => {
  assert.equal(readPem(`hello\n${one.pem}`, true), undefined);
  assert.equal(readPem(`\n${one.pem}\n`, true)?.length, 1);
});

test('refuses broken blocks', () => {
  const cases: Record<string, string> = {
    'labels that differ': one.pem.replace('END CERTIFICATE', 'END KEY'),
    'no end': one.pem.replace(/-----END.*/, ''),
    'not base64': one.pem.replace('M', '*'),
    'base64 cut short': one.pem.replace(/.\n-----END/, '\n-----END'),
  };
  for (const [what, text] of Object.entries(cases)) assert.equal(readPem(text), undefined, what);
});

test('looks at text that opens a thousand blocks and closes none only once', () => {
  const text = '-----BEGIN CERTIFICATE-----\n'.repeat(30_000);
  assert.equal(readPem(text), undefined);
});

test('says what is wrong with certificates', () => {
  const cases: Record<string, RegExp> = {
    '': /holds no certificate/,
    'hello world': /holds no certificate/,
    [one.keyPem]: /holds a private key/,
    [one.pem + one.keyPem]: /holds a private key/,
    [writePem('CERTIFICATE', Buffer.from('junk'))]: /holds a certificate that cannot be read/,
    [writePem('CERTIFICATE', one.der.subarray(0, 100))]: /holds a certificate that cannot be read/,
    ['x'.repeat(2 << 20)]: /larger than/,
    [one.pem.replace('-----END', '----END')]: /not valid PEM/,
  };
  for (const [text, message] of Object.entries(cases)) {
    const error = readCertificates(text, 'the chain');
    assert.ok(error instanceof WeftError);
    assert.equal(error.code, 'certificate-unreadable');
    assert.match(error.message, message);
    assert.match(error.message, /^the chain .*; give PEM certificates/s);
  }
});

test('no error shows the private key it met', () => {
  const error = readCertificates(one.keyPem, 'the chain');
  assert.ok(error instanceof WeftError);
  assert.doesNotMatch(error.message, /MIG/);
});
