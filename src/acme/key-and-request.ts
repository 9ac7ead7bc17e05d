import { generateKeyPair, type KeyObject, sign } from 'node:crypto';
import { promisify } from 'node:util';
import { der, derBitString, derOid, TAG } from '../identity/index.ts';
import type { CertificateKeyType } from '../model/index.ts';

/** A new key for a server, and the request to certify it. */
export interface KeyAndRequest {
  /** PKCS#8. */
  readonly keyPem: string;
  /** DER of PKCS#10. */
  readonly request: Buffer;
}

const dnsNameTag = 0x82;

/** `names`: of DNS, the first of them in no way special; the subject is empty, as the CA/Browser Forum has it. */
export async function keyAndRequest(
  names: readonly string[],
  type: CertificateKeyType,
): Promise<KeyAndRequest> {
  const { privateKey, publicKey } = await pairOf(type);
  const alternatives = der(TAG.sequence, ...names.map(name => der(dnsNameTag, Buffer.from(name, 'latin1'))));
  const extension = der(TAG.sequence, derOid('2.5.29.17'), der(TAG.octetString, alternatives));
  const asked = der(
    TAG.sequence,
    derOid('1.2.840.113549.1.9.14'),
    der(TAG.set, der(TAG.sequence, extension)),
  );
  const info = der(
    TAG.sequence,
    der(TAG.integer, Buffer.from([0])),
    der(TAG.sequence),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(TAG.context0, asked),
  );
  const { algorithm, hash } = algorithms[type];
  const signature = sign(hash, info, { key: privateKey, dsaEncoding: 'der' });
  return {
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    request: der(TAG.sequence, info, algorithm, derBitString(signature)),
  };
}

const generate = promisify(generateKeyPair);

/** In a thread of its own: one of RSA takes seconds, and a gateway that fetches its certificates itself has clients meanwhile. */
function pairOf(
  type: CertificateKeyType,
): Promise<{ readonly privateKey: KeyObject; readonly publicKey: KeyObject }> {
  switch (type) {
    case 'ecdsa-p256':
      return generate('ec', { namedCurve: 'P-256' });
    case 'ecdsa-p384':
      return generate('ec', { namedCurve: 'P-384' });
    case 'rsa-2048':
      return generate('rsa', { modulusLength: 2048 });
    case 'rsa-4096':
      return generate('rsa', { modulusLength: 4096 });
  }
}

const rsa = {
  // Parameters are NULL (RFC 4055 section 5).
  algorithm: der(TAG.sequence, derOid('1.2.840.113549.1.1.11'), der(0x05)),
  hash: 'sha256',
} as const;

const algorithms: Readonly<
  Record<CertificateKeyType, { readonly algorithm: Buffer; readonly hash: string }>
> = {
  'ecdsa-p256': { algorithm: der(TAG.sequence, derOid('1.2.840.10045.4.3.2')), hash: 'sha256' },
  'ecdsa-p384': { algorithm: der(TAG.sequence, derOid('1.2.840.10045.4.3.3')), hash: 'sha384' },
  'rsa-2048': rsa,
  'rsa-4096': rsa,
};
