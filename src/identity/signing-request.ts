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

/** Names that a request asks for. Our own authority passes them over; cert-manager signs what the request says. */
export interface CsrNames {
  /** A SPIFFE id. */
  readonly uri: string;
  readonly dnsNames?: readonly string[];
}

const ecdsaWithSha256 = der(TAG.sequence, derOid('1.2.840.10045.4.3.2'));
/** GeneralName (RFC 5280 section 4.2.1.6): dNSName [2]; uniformResourceIdentifier [6] is TAG.uri. */
const dnsNameTag = 0x82;

/**
 * Makes an ECDSA P-256 key and a signing request for it (RFC 2986), with an empty subject. Who we are is proven to the
 * certificate authority by a token or the current certificate; `names` only repeat it, for issuers that take them from the
 * request.
 */
export function createKeyAndCsr(names?: CsrNames): KeyAndCsr {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const info = der(
    TAG.sequence,
    der(TAG.integer, Buffer.from([0])),
    der(TAG.sequence),
    publicKey.export({ type: 'spki', format: 'der' }),
    names === undefined ? der(TAG.context0) : der(TAG.context0, extensionRequest(names)),
  );
  const signature = sign('sha256', info, { key: privateKey, dsaEncoding: 'der' });
  const request = der(TAG.sequence, info, ecdsaWithSha256, derBitString(signature));
  return {
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    csrPem: writePem('CERTIFICATE REQUEST', request),
  };
}

/** Attribute extensionRequest (RFC 2985 section 5.4.2) with a subjectAltName, critical because the subject is empty. */
function extensionRequest({ uri, dnsNames = [] }: CsrNames): Buffer {
  const names = der(
    TAG.sequence,
    der(TAG.uri, Buffer.from(uri, 'latin1')),
    ...dnsNames.map(name => der(dnsNameTag, Buffer.from(name, 'latin1'))),
  );
  const critical = der(TAG.boolean, Buffer.from([0xff]));
  const extension = der(TAG.sequence, derOid('2.5.29.17'), critical, der(TAG.octetString, names));
  return der(TAG.sequence, derOid('1.2.840.113549.1.9.14'), der(TAG.set, der(TAG.sequence, extension)));
}
