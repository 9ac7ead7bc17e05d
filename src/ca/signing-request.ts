import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { WeftError } from '../errors/index.ts';
import { readPem } from '../identity/index.ts';
import {
  type Asn1,
  bitStringBytes,
  children,
  contents,
  fromDer,
  isSequence,
  OID,
  oidText,
  toDer,
} from './asn1.ts';

/** Ours has 400 bytes; one with a page of names that we ignore still fits. */
const maxCsrBytes = 16_384;

/** DER length of an uncompressed SubjectPublicKeyInfo with a named curve (RFC 5480), per curve. */
const spkiBytes: Readonly<Record<string, number>> = { prime256v1: 91, secp384r1: 120 };

const hashes: Readonly<Record<string, string>> = {
  [OID.ecdsaWithSha256]: 'sha256',
  [OID.ecdsaWithSha384]: 'sha384',
};

/**
 * Reads a PKCS#10 request (RFC 2986), checks that its sender has the private key, and returns the DER SubjectPublicKeyInfo. All
 * else in it, subject and requested extensions, is ignored: the identity comes from the proof beside the request.
 *
 * Only ECDSA P-256 and P-384 are taken: P-256 is what our proxies make, P-384 what some rule books ask for, and every TLS 1.3
 * stack has both. RSA is refused because its handshakes cost the sidecar some twenty times the CPU.
 * Errors: csr-too-large, csr-malformed, csr-key-unsupported, csr-bad-signature.
 */
export function readSigningRequest(csrPem: string): Buffer | WeftError {
  if (csrPem.length > maxCsrBytes) {
    return refuse(
      'csr-too-large',
      `the signing request is larger than ${maxCsrBytes} bytes; send a key and no names`,
    );
  }
  const blocks = readPem(csrPem, true);
  const block = blocks?.[0];
  if (blocks?.length !== 1 || !/^(NEW )?CERTIFICATE REQUEST$/.test(block!.label)) {
    return malformed('is not one PEM block CERTIFICATE REQUEST and nothing else');
  }
  const request = fromDer(block!.der);
  const [info, algorithm, signature, ...more] = children(request);
  const [version, subject, spki] = children(info);
  const bits = bitStringBytes(signature);
  const shape = [request, info, algorithm, subject, spki].every(isSequence) && version && more.length === 0;
  if (!shape || !bits) return malformed('is not a PKCS#10 request in DER');
  const key = readKey(toDer(spki!));
  if (key instanceof WeftError) return key;
  const [algorithmId, ...parameters] = children(algorithm);
  const hash = hashes[oidText(algorithmId) ?? ''];
  if (hash === undefined || parameters.length > 0) {
    return refuse(
      'csr-key-unsupported',
      'the signing request is not signed with ECDSA and SHA-256 or SHA-384',
    );
  }
  if (!verify(hash, toDer(info!), { key, dsaEncoding: 'der' }, bits)) {
    return refuse(
      'csr-bad-signature',
      'the signature of the signing request does not match its key; sign the request with the key it is for',
    );
  }
  return key.export({ type: 'spki', format: 'der' });
}

/**
 * Why a request may not go to an issuer that signs what the request says: its names must be exactly those that were proven, its
 * subject empty, and nothing else asked for. Undefined when it may. Error: csr-names.
 */
export function refusedNames(
  csrPem: string,
  uri: string,
  dnsNames: readonly string[],
): WeftError | undefined {
  const block = readPem(csrPem, true)?.[0];
  const info = children(block && fromDer(block.der))[0];
  const [, subject, , attributes] = children(info);
  const asked = attributes === undefined ? undefined : extensionsOf(attributes);
  const names = asked && namesOf(asked);
  const wanted = [`uri ${uri}`, ...dnsNames.map(name => `dns ${name}`)].sort();
  const same = names !== undefined && JSON.stringify([...names].sort()) === JSON.stringify(wanted);
  if (same && subject !== undefined && children(subject).length === 0) return undefined;
  return refuse(
    'csr-names',
    `the signing request asks for ${names?.join(', ') || 'other names or none'} and not for ${uri} alone, which is what was proven; is the proxy of an older version? restart its pod`,
  );
}

/** The only extension that a request asks for, by its only attribute; undefined where there is anything else. */
function extensionsOf(attributes: Asn1): Asn1 | undefined {
  const [attribute, ...others] = children(attributes);
  const [type, values] = children(attribute);
  if (others.length > 0 || oidText(type) !== '1.2.840.113549.1.9.14') return undefined;
  const [extension, ...more] = children(children(values)[0]);
  return more.length > 0 ? undefined : extension;
}

/** `uri …` and `dns …`; undefined where there is a name of another kind, or the extension is no subjectAltName. */
function namesOf(extension: Asn1): readonly string[] | undefined {
  const parts = children(extension);
  const value = contents(parts.at(-1));
  if (oidText(parts[0]) !== '2.5.29.17' || value === undefined) return undefined;
  const names: string[] = [];
  for (let at = headerBytes(value, 0); at < value.length; ) {
    const kind = { 134: 'uri', 130: 'dns' }[value[at]!];
    const start = at + headerBytes(value, at);
    const end = start + lengthAt(value, at);
    if (kind === undefined || end > value.length) return undefined;
    names.push(`${kind} ${value.toString('latin1', start, end)}`);
    at = end;
  }
  return names;
}

/** Of the DER element at `at`, tag and length: two bytes, and more for 128 and more. */
function headerBytes(bytes: Buffer, at: number): number {
  const first = bytes[at + 1] ?? 0;
  return first < 0x80 ? 2 : 2 + (first & 0x7f);
}

function lengthAt(bytes: Buffer, at: number): number {
  const first = bytes[at + 1] ?? 0;
  if (first < 0x80) return first;
  let length = 0;
  for (let i = 0; i < (first & 0x7f) && i < 4; i++) length = length * 256 + (bytes[at + 2 + i] ?? 0);
  return length;
}

function readKey(spki: Buffer): KeyObject | WeftError {
  let key: KeyObject;
  try {
    key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
  } catch {
    return malformed('holds a public key that cannot be read');
  }
  const kind = key.asymmetricKeyType ?? 'unknown';
  const curve = key.asymmetricKeyDetails?.namedCurve ?? '';
  // Curves written out as parameters, and compressed points, have other lengths: some verifiers cannot read them.
  if (kind !== 'ec' || spkiBytes[curve] !== spki.length) {
    return refuse(
      'csr-key-unsupported',
      `the signing request is for a key of type ${`${kind} ${curve}`.trim()}; make an ECDSA key on P-256 or P-384`,
    );
  }
  return key;
}

function malformed(why: string): WeftError {
  return refuse(
    'csr-malformed',
    `the signing request ${why}; make it with createKeyAndCsr or 'openssl req -new'`,
  );
}

function refuse(code: string, message: string): WeftError {
  return new WeftError(code, message, { source: 'downstream' });
}
