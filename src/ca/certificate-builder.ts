import { createHash, type KeyObject, randomBytes, sign } from 'node:crypto';
import {
  type Asn1,
  bitString,
  bitStringBytes,
  boolean,
  children,
  fromDer,
  integer,
  nullValue,
  OID,
  octetString,
  oid,
  printableString,
  sequence,
  set,
  tagged,
  taggedBytes,
  time,
  toDer,
  utf8String,
} from './asn1.ts';

/** What a certificate says, apart from who signs it. */
export interface CertificateContents {
  readonly serial: Uint8Array;
  readonly issuer: Asn1;
  readonly subject: Asn1;
  /** Rounded down to the second. */
  readonly notBeforeMs: number;
  /** Rounded up to the second. */
  readonly notAfterMs: number;
  /** DER SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
  readonly extensions: readonly Asn1[];
}

/**
 * Signs an X.509 version 3 certificate (RFC 5280 section 4.1) and returns its DER. node-forge writes the ASN.1 but signs with
 * RSA only, so node:crypto signs. `key`: ECDSA P-256 or P-384, or RSA.
 */
export function signCertificate(contents: CertificateContents, key: KeyObject): Buffer {
  const { algorithm, hash } = signatureOf(key);
  const tbs = sequence(
    tagged(0, integer(Buffer.from([2]))),
    integer(contents.serial),
    algorithm,
    contents.issuer,
    sequence(time(floorSecond(contents.notBeforeMs)), time(ceilSecond(contents.notAfterMs))),
    contents.subject,
    fromDer(contents.publicKey)!,
    tagged(3, sequence(...contents.extensions)),
  );
  const signature = sign(hash, toDer(tbs), { key, dsaEncoding: 'der' });
  return toDer(sequence(tbs, algorithm, bitString(signature)));
}

/** Random, positive, of exactly 16 bytes (RFC 5280 section 4.1.2.2 wants positive, at most 20): 126 random bits. */
export function randomSerial(): Buffer {
  const serial = randomBytes(16);
  serial[0] = (serial[0]! & 0x3f) | 0x40;
  return serial;
}

/** `O=Weft, CN=<commonName>`, or no name at all. */
export function distinguishedName(commonName?: string): Asn1 {
  if (commonName === undefined) return sequence();
  const part = (type: string, value: string): Asn1 => set(sequence(oid(type), utf8String(value)));
  return sequence(part(OID.organization, 'Weft'), part(OID.commonName, commonName));
}

/**
 * The subject of a pod's certificate: `serialNumber=<uid>` (RFC 5280 appendix A.1, X520SerialNumber: at most 64 printable
 * characters).
 */
export function podName(uid: string): Asn1 {
  return sequence(set(sequence(oid(OID.subjectSerialNumber), printableString(uid))));
}

/** SHA-256 of the key's bits, cut to 160 (RFC 7093 section 2, method 1). `publicKey`: DER SubjectPublicKeyInfo. */
export function keyIdentifier(publicKey: Uint8Array): Buffer {
  const bits = bitStringBytes(children(fromDer(publicKey))[1])!;
  return createHash('sha256').update(bits).digest().subarray(0, 20);
}

/** Extensions, each as RFC 5280 section 4.2.1 has it. */
export const extension = {
  /** `pathLength`: how many CAs may follow below; undefined means any number. */
  certificateAuthority(pathLength: number | undefined): Asn1 {
    const limit = pathLength === undefined ? [] : [integer(Buffer.from([pathLength]))];
    return wrap(OID.basicConstraints, true, sequence(boolean(true), ...limit));
  },
  notAnAuthority(): Asn1 {
    return wrap(OID.basicConstraints, true, sequence());
  },
  /** keyCertSign (bit 5) and cRLSign (bit 6). */
  signsCertificates(): Asn1 {
    return wrap(OID.keyUsage, true, bitString(Buffer.from([0x06]), 1));
  },
  /** digitalSignature (bit 0), all that TLS 1.3 needs. */
  signsHandshakes(): Asn1 {
    return wrap(OID.keyUsage, true, bitString(Buffer.from([0x80]), 7));
  },
  clientsAndServers(): Asn1 {
    return wrap(OID.extKeyUsage, false, sequence(oid(OID.serverAuth), oid(OID.clientAuth)));
  },
  subjectKey(identifier: Uint8Array): Asn1 {
    return wrap(OID.subjectKeyIdentifier, false, octetString(identifier));
  },
  authorityKey(identifier: Uint8Array): Asn1 {
    return wrap(OID.authorityKeyIdentifier, false, sequence(taggedBytes(0, identifier)));
  },
  /** Critical, as it must be where the subject is empty (section 4.1.2.6). [6] is a URI, [2] a DNS name. */
  names(uri: string, dnsNames: readonly string[]): Asn1 {
    const dns = dnsNames.map(name => taggedBytes(2, Buffer.from(name, 'latin1')));
    return wrap(OID.subjectAltName, true, sequence(taggedBytes(6, Buffer.from(uri, 'latin1')), ...dns));
  },
};

function wrap(id: string, critical: boolean, value: Asn1): Asn1 {
  return sequence(oid(id), ...(critical ? [boolean(true)] : []), octetString(toDer(value)));
}

/** ECDSA has no parameters (RFC 5758 section 3.2), RSA has NULL (RFC 4055 section 5). */
function signatureOf(key: KeyObject): { algorithm: Asn1; hash: string } {
  if (key.asymmetricKeyType === 'rsa') {
    return { algorithm: sequence(oid(OID.sha256WithRsa), nullValue()), hash: 'sha256' };
  }
  const large = key.asymmetricKeyDetails?.namedCurve === 'secp384r1';
  return large
    ? { algorithm: sequence(oid(OID.ecdsaWithSha384)), hash: 'sha384' }
    : { algorithm: sequence(oid(OID.ecdsaWithSha256)), hash: 'sha256' };
}

function floorSecond(ms: number): number {
  return Math.floor(ms / 1000) * 1000;
}

function ceilSecond(ms: number): number {
  return Math.ceil(ms / 1000) * 1000;
}
