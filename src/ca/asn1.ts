// node-forge's ASN.1 with Buffers instead of binary strings, and the few shapes that certificates are made of.
import forge from 'node-forge';

const { asn1 } = forge;
const { Class, Type } = asn1;

/** A node of an ASN.1 tree. */
export type Asn1 = forge.asn1.Asn1;

/** Object identifiers that certificates of ours are made of (RFC 5280, RFC 5480, RFC 5758). */
export const OID = {
  commonName: '2.5.4.3',
  subjectSerialNumber: '2.5.4.5',
  organization: '2.5.4.10',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  ecdsaWithSha384: '1.2.840.10045.4.3.3',
  sha256WithRsa: '1.2.840.113549.1.1.11',
} as const;

export function sequence(...children: readonly Asn1[]): Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, [...children]);
}

export function set(...children: readonly Asn1[]): Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.SET, true, [...children]);
}

export function oid(dotted: string): Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.OID, false, asn1.oidToDer(dotted).getBytes());
}

export function nullValue(): Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.NULL, false, '');
}

export function boolean(value: boolean): Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.BOOLEAN, false, value ? '\xff' : '\0');
}

/** `bytes`: big-endian two's complement, shortest form, as DER wants it. */
export function integer(bytes: Uint8Array): Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.INTEGER, false, binary(bytes));
}

export function octetString(bytes: Uint8Array): Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.OCTETSTRING, false, binary(bytes));
}

/** `unused`: how many bits of the last byte do not count. */
export function bitString(bytes: Uint8Array, unused = 0): Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.BITSTRING, false, String.fromCharCode(unused) + binary(bytes));
}

export function utf8String(text: string): Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.UTF8, false, binary(Buffer.from(text, 'utf8')));
}

/** Of letters, digits and few other characters only, which nobody checks here. */
export function printableString(text: string): Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.PRINTABLESTRING, false, text);
}

/** `[tag]` around other elements. */
export function tagged(tag: number, ...children: readonly Asn1[]): Asn1 {
  return asn1.create(Class.CONTEXT_SPECIFIC, tag, true, [...children]);
}

/** `[tag] IMPLICIT` of a primitive. */
export function taggedBytes(tag: number, bytes: Uint8Array): Asn1 {
  return asn1.create(Class.CONTEXT_SPECIFIC, tag, false, binary(bytes));
}

/** UTCTime until 2049, GeneralizedTime from then on (RFC 5280 section 4.1.2.5). Whole seconds. */
export function time(ms: number): Asn1 {
  const date = new Date(ms);
  return date.getUTCFullYear() < 2050
    ? asn1.create(Class.UNIVERSAL, Type.UTCTIME, false, asn1.dateToUtcTime(date))
    : asn1.create(Class.UNIVERSAL, Type.GENERALIZEDTIME, false, asn1.dateToGeneralizedTime(date));
}

/** Reads DER. Undefined when it is not exactly one well-formed element in the one encoding that DER allows. */
export function fromDer(der: Uint8Array): Asn1 | undefined {
  try {
    const options = { strict: true, parseAllBytes: true, decodeBitStrings: false };
    // The types know only the older boolean second argument.
    const tree = asn1.fromDer(forge.util.createBuffer(binary(der)), options as unknown as boolean);
    return toDer(tree).equals(der) ? tree : undefined;
  } catch {
    return undefined;
  }
}

export function toDer(tree: Asn1): Buffer {
  return Buffer.from(asn1.toDer(tree).getBytes(), 'latin1');
}

/** The elements inside `tree`; none when it is a primitive. */
export function children(tree: Asn1 | undefined): readonly Asn1[] {
  return tree && Array.isArray(tree.value) ? tree.value : [];
}

/** The contents of a primitive; undefined when it is not one. */
export function contents(tree: Asn1 | undefined): Buffer | undefined {
  return typeof tree?.value === 'string' ? Buffer.from(tree.value, 'latin1') : undefined;
}

export function isSequence(tree: Asn1 | undefined): boolean {
  return tree?.tagClass === Class.UNIVERSAL && tree.type === Type.SEQUENCE && tree.constructed;
}

/** The bytes of a BIT STRING of whole bytes. */
export function bitStringBytes(tree: Asn1 | undefined): Buffer | undefined {
  const bytes =
    tree?.tagClass === Class.UNIVERSAL && tree.type === Type.BITSTRING ? contents(tree) : undefined;
  return bytes && bytes.length > 0 && bytes[0] === 0 ? bytes.subarray(1) : undefined;
}

/** The dotted form of an OBJECT IDENTIFIER. */
export function oidText(tree: Asn1 | undefined): string | undefined {
  const bytes = tree?.tagClass === Class.UNIVERSAL && tree.type === Type.OID ? contents(tree) : undefined;
  return bytes && bytes.length > 0 ? asn1.derToOid(binary(bytes)) : undefined;
}

function binary(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}
