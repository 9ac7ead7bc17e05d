import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { test } from 'node:test';
import { readSigningRequest } from '../ca/signing-request.ts';
import { createKeyAndCsr } from './signing-request.ts';

const openssl = spawnSync('openssl', ['version']).status === 0;

test('makes a P-256 key and a request for it that its certificate authority accepts', () => {
  const { keyPem, csrPem } = createKeyAndCsr();
  const key = createPrivateKey(keyPem);
  assert.equal(key.asymmetricKeyDetails?.namedCurve, 'prime256v1');
  assert.deepEqual(readSigningRequest(csrPem), createPublicKey(key).export({ type: 'spki', format: 'der' }));
});

test('makes another key each time', () => {
  assert.notEqual(createKeyAndCsr().keyPem, createKeyAndCsr().keyPem);
});

test('puts nothing of the private key into the request', () => {
  const { keyPem, csrPem } = createKeyAndCsr();
  const secret = Buffer.from(createPrivateKey(keyPem).export({ format: 'jwk' }).d!, 'base64url');
  const request = Buffer.from(csrPem.replaceAll(/-----.*-----|\n/g, ''), 'base64');
  assert.equal(request.includes(secret), false);
});

test('openssl reads and verifies the request', { skip: openssl ? false : 'openssl is not installed' }, () => {
  // Signatures and keys differ in length and leading bits, so a few of them.
  for (let i = 0; i < 5; i++) {
    const run = spawnSync('openssl', ['req', '-verify', '-noout', '-subject'], {
      input: createKeyAndCsr().csrPem,
      encoding: 'utf8',
    });
    assert.equal(run.status, 0, run.stderr);
    assert.match(run.stdout + run.stderr, /verify OK/);
  }
});
