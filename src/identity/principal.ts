import type { X509Certificate } from 'node:crypto';
import { isSpiffeId, parseSpiffe } from '../model/index.ts';
import { type DerElement, readDer, readDerAll, TAG } from './der.ts';

/** 2.5.29.17, subjectAltName, contents only. */
const subjectAltName = Buffer.from([0x55, 0x1d, 0x11]);

/** SPIFFE-ID.md section 2.3. */
const maxSpiffeBytes = 2048;

/**
 * The SPIFFE id of a certificate: its only URI name, of our layout (see formatSpiffe). Undefined when there is none, more than
 * one URI (X509-SVID.md section 2 forbids it), two subjectAltName extensions (RFC 5280 section 4.2), or another layout.
 *
 * The certificate's bytes are read, not the text that Node makes of its names: that text has been forged before
 * (CVE-2021-44531, CVE-2021-44532). Says nothing of who signed the certificate; call it only after the chain was verified.
 */
export function principalOf(certificate: X509Certificate | Uint8Array): string | undefined {
  const found = spiffeIdOf(certificate);
  return found !== undefined && parseSpiffe(found) ? found : undefined;
}

/** The same of any layout, as workloads of other trust domains have it. */
export function spiffeIdOf(certificate: X509Certificate | Uint8Array): string | undefined {
  const bytes = certificate instanceof Uint8Array ? certificate : certificate.raw;
  const names = alternativeNames(bytes);
  if (!names) return undefined;
  let uri: DerElement | undefined;
  for (const name of names) {
    if (name.tag !== TAG.uri) continue;
    if (uri) return undefined;
    uri = name;
  }
  if (!uri || uri.to - uri.from > maxSpiffeBytes) return undefined;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + uri.from, uri.to - uri.from).toString('latin1');
  return isSpiffeId(text) ? text : undefined;
}

/** Certificate ::= SEQUENCE { tbsCertificate SEQUENCE { …, extensions [3] }, … } (RFC 5280 section 4.1). */
function alternativeNames(bytes: Uint8Array): DerElement[] | undefined {
  const certificate = readDer(bytes, 0, bytes.length);
  if (certificate?.tag !== TAG.sequence || certificate.to !== bytes.length) return undefined;
  const tbs = readDer(bytes, certificate.from, certificate.to);
  if (tbs?.tag !== TAG.sequence) return undefined;
  const extensions = onlyChild(bytes, last(bytes, tbs), TAG.context3);
  if (extensions?.tag !== TAG.sequence) return undefined;
  let found: DerElement | undefined;
  for (const extension of readDerAll(bytes, extensions.from, extensions.to) ?? []) {
    const value = valueOfAlternativeNames(bytes, extension);
    if (!value) continue;
    if (found) return undefined;
    found = value;
  }
  const names = onlyChild(bytes, found, TAG.octetString);
  return names?.tag === TAG.sequence ? readDerAll(bytes, names.from, names.to) : undefined;
}

/** Extension ::= SEQUENCE { extnID OID, critical BOOLEAN DEFAULT FALSE, extnValue OCTET STRING }; its value when it is ours. */
function valueOfAlternativeNames(bytes: Uint8Array, extension: DerElement): DerElement | undefined {
  const oid = readDer(bytes, extension.from, extension.to);
  if (oid?.tag !== TAG.oid || oid.to - oid.from !== subjectAltName.length) return undefined;
  for (let i = 0; i < subjectAltName.length; i++) {
    if (bytes[oid.from + i] !== subjectAltName[i]) return undefined;
  }
  const rest = readDerAll(bytes, oid.to, extension.to);
  const value = rest?.at(-1);
  return rest && rest.length <= 2 && value?.tag === TAG.octetString ? value : undefined;
}

/** The only element inside `parent`, which must have `tag`. */
function onlyChild(bytes: Uint8Array, parent: DerElement | undefined, tag: number): DerElement | undefined {
  if (parent?.tag !== tag) return undefined;
  const child = readDer(bytes, parent.from, parent.to);
  return child?.to === parent.to ? child : undefined;
}

function last(bytes: Uint8Array, parent: DerElement): DerElement | undefined {
  return readDerAll(bytes, parent.from, parent.to)?.at(-1);
}
