import { generateKeyPairSync, sign } from 'node:crypto';
import { der, derBitString, derOid, TAG } from './der.ts';
import { writePem } from './pem.ts';

/** A fresh key and the request to certify it. */
export interface KeyAndCsr {
  /** PKCS#8. Stays in this process: never logged, sent or written to a file. */
  readonly keyPem: string;
  /** PKCS#10. */
  readonly csrPem: string;
}

const ecdsaWithSha256 = der(TAG.sequence, derOid('1.2.840.10045.4.3.2'));

/**
 * Makes an ECDSA P-256 key and a signing request for it (RFC 2986), with an empty subject and no names: who we are is proven to
 * the certificate authority by a token or the current certificate, never claimed in the request.
 */
export function createKeyAndCsr(): KeyAndCsr {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const info = der(
    TAG.sequence,
    der(TAG.integer, Buffer.from([0])),
    der(TAG.sequence),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(TAG.context0),
  );
  const signature = sign('sha256', info, { key: privateKey, dsaEncoding: 'der' });
  const request = der(TAG.sequence, info, ecdsaWithSha256, derBitString(signature));
  return {
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    csrPem: writePem('CERTIFICATE REQUEST', request),
  };
}
