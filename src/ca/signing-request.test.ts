import assert from 'node:assert/strict';
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  randomInt,
  sign,
} from 'node:crypto';
import { test } from 'node:test';
import { WeftError } from '../errors/index.ts';
import { createKeyAndCsr, writePem } from '../identity/index.ts';
import { bitString, fromDer, integer, nullValue, OID, oid, sequence, tagged, toDer } from './asn1.ts';
import { distinguishedName } from './certificate-builder.ts';
import { readSigningRequest } from './signing-request.ts';

interface OddRequest {
  readonly key: KeyObject;
  readonly signer?: KeyObject;
  readonly spki?: Buffer;
  readonly hash?: string;
  readonly algorithm?: string;
  readonly name?: string;
}

/** A PKCS#10 request exactly as told. */
function requestOf({
  key,
  signer,
  spki,
  hash = 'sha256',
  algorithm = OID.ecdsaWithSha256,
  name,
}: OddRequest): Buffer {
  const info = sequence(
    integer(Buffer.from([0])),
    distinguishedName(name),
    fromDer(spki ?? spkiOf(key))!,
    tagged(0),
  );
  const signature = sign(hash, toDer(info), { key: signer ?? key, dsaEncoding: 'der' });
  const parameters = algorithm === OID.sha256WithRsa ? [nullValue()] : [];
  return toDer(sequence(info, sequence(oid(algorithm), ...parameters), bitString(signature)));
}

function spkiOf(key: KeyObject): Buffer {
  return createPublicKey(key).export({ type: 'spki', format: 'der' });
}

function ec(namedCurve: string, options: object = {}): KeyObject {
  return generateKeyPairSync('ec', { namedCurve, ...options }).privateKey;
}

function refused(request: string | Buffer, code: string, message?: RegExp): void {
  const pem = typeof request === 'string' ? request : writePem('CERTIFICATE REQUEST', request);
  const error = readSigningRequest(pem);
  assert.ok(error instanceof WeftError, 'should be refused');
  assert.equal(error.code, code, error.message);
  assert.equal(error.source, 'downstream');
  if (message) assert.match(error.message, message);
}

test('gives the key of a request on P-256 and P-384, whatever subject it claims', () => {
  for (const [curve, hash, algorithm] of [
    ['P-256', 'sha256', OID.ecdsaWithSha256],
    ['P-384', 'sha384', OID.ecdsaWithSha384],
    ['P-384', 'sha256', OID.ecdsaWithSha256],
  ] as const) {
    const key = ec(curve);
    const der = requestOf({ key, hash, algorithm, name: 'spiffe://cluster.local/ns/kube-system/sa/admin' });
    assert.deepEqual(readSigningRequest(writePem('CERTIFICATE REQUEST', der)), spkiOf(key));
    assert.deepEqual(readSigningRequest(writePem('NEW CERTIFICATE REQUEST', der)), spkiOf(key));
  }
});

test('refuses a request whose signature is broken or by another key', () => {
  const key = ec('P-256');
  refused(
    requestOf({ key, signer: ec('P-256') }),
    'csr-bad-signature',
    /sign the request with the key it is for/,
  );
  const broken = requestOf({ key });
  broken[broken.length - 1] = broken[broken.length - 1]! ^ 1;
  refused(broken, 'csr-bad-signature');
  refused(requestOf({ key, hash: 'sha384' }), 'csr-bad-signature');
});

test('refuses a request whose subject was changed after it was signed', () => {
  const der = requestOf({ key: ec('P-256'), name: 'webweb' });
  const at = der.indexOf('webweb');
  der.write('admins', at, 'latin1');
  refused(der, 'csr-bad-signature');
});

test('refuses keys other than ECDSA on P-256 and P-384', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  refused(
    requestOf({ key: rsa, algorithm: OID.sha256WithRsa }),
    'csr-key-unsupported',
    /key of type rsa; make an ECDSA/,
  );
  refused(requestOf({ key: ec('P-521') }), 'csr-key-unsupported', /ec secp521r1/);
  refused(requestOf({ key: ec('secp256k1') }), 'csr-key-unsupported', /ec secp256k1/);
});

test('refuses a curve written out in numbers, which may be anything', () => {
  const key = ec('P-256', { paramEncoding: 'explicit' });
  refused(requestOf({ key }), 'csr-key-unsupported');
});

test('refuses a compressed point', () => {
  const key = ec('P-256');
  const jwk = key.export({ format: 'jwk' });
  const y = Buffer.from(jwk.y!, 'base64url');
  const point = Buffer.concat([Buffer.from([2 + (y.at(-1)! & 1)]), Buffer.from(jwk.x!, 'base64url')]);
  const algorithm = sequence(oid('1.2.840.10045.2.1'), oid('1.2.840.10045.3.1.7'));
  refused(requestOf({ key, spki: toDer(sequence(algorithm, bitString(point))) }), 'csr-key-unsupported');
});

test('refuses a point that is not on its curve', () => {
  const key = ec('P-256');
  const spki = spkiOf(key);
  spki[spki.length - 1] = spki[spki.length - 1]! ^ 1;
  refused(requestOf({ key, spki }), 'csr-malformed', /public key that cannot be read/);
});

test('refuses a request that is not signed with ECDSA', () => {
  refused(
    requestOf({ key: ec('P-256'), algorithm: OID.sha256WithRsa }),
    'csr-key-unsupported',
    /not signed with ECDSA/,
  );
});

test('refuses an oversized request without reading it', () => {
  refused('x'.repeat(16_385), 'csr-too-large');
  refused(
    requestOf({ key: ec('P-256'), name: 'x'.repeat(16_000) }),
    'csr-too-large',
    /larger than 16384 bytes/,
  );
});

test('refuses PEM that is not one request and nothing else', () => {
  const { keyPem, csrPem } = createKeyAndCsr();
  const cases = [
    '',
    '\n',
    'garbage',
    '\0'.repeat(100),
    csrPem + csrPem,
    `junk\n${csrPem}`,
    `${csrPem}junk`,
    csrPem + keyPem,
    keyPem,
    csrPem.replaceAll('CERTIFICATE REQUEST', 'CERTIFICATE'),
    csrPem.replace(/-----END.*/, ''),
    csrPem.replace(/\n[A-Za-z0-9]/, '\n!'),
  ];
  for (const text of cases) refused(text, 'csr-malformed');
});

test('refuses DER that is not a request', () => {
  const good = requestOf({ key: ec('P-256') });
  const info = sequence(integer(Buffer.from([0])), distinguishedName());
  const cases = [
    Buffer.alloc(0),
    Buffer.from([0x30, 0]),
    randomBytes(300),
    good.subarray(0, -1),
    Buffer.concat([good, Buffer.from([0])]),
    toDer(sequence()),
    toDer(sequence(info, sequence(), bitString(Buffer.alloc(64)))),
    toDer(sequence(info, info, info)),
    Buffer.from('30800000', 'hex'),
    Buffer.from('30'.repeat(5000), 'hex'),
    // One element inside another, five hundred deep.
    Array.from({ length: 500 })
      .reduce<Buffer>(inner => toDer(sequence(fromDer(inner)!)), toDer(nullValue()))
      .subarray(0, 400),
  ];
  for (const der of cases) refused(der, 'csr-malformed');
});

test('never throws on changed or random bytes, and accepts no changed request', () => {
  const { csrPem, keyPem } = createKeyAndCsr();
  const good = Buffer.from(csrPem.replaceAll(/-----.*-----|\n/g, ''), 'base64');
  assert.equal(createPrivateKey(keyPem).type, 'private');
  for (let i = 0; i < 3000; i++) {
    const changed = Buffer.from(good);
    const at = randomInt(changed.length);
    changed[at] = (changed[at]! + randomInt(1, 256)) & 0xff;
    const outcome = readSigningRequest(writePem('CERTIFICATE REQUEST', changed));
    assert.ok(outcome instanceof WeftError, `byte ${at} changed from ${good[at]} to ${changed[at]}`);
    readSigningRequest(randomBytes(randomInt(200)).toString('latin1'));
  }
});
