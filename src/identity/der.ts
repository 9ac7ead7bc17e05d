// A little DER (ITU-T X.690): enough to write a certificate signing request and to find one extension of a certificate.
// Not a general ASN.1 library: it exists so that the sidecar needs none (node-forge costs 4 MB of private memory each).

/** Tags that are used here (X.690 section 8, X.680 section 8.6). */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  sequence: 0x30,
  set: 0x31,
  /** [0] constructed. */
  context0: 0xa0,
  /** [3] constructed: the extensions of a certificate. */
  context3: 0xa3,
  /** [6] primitive: uniformResourceIdentifier in a GeneralName. */
  uri: 0x86,
} as const;

/** One element: the tag, the length, and the contents end to end. */
export function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  let length = 0;
  for (const part of contents) length += part.length;
  return Buffer.concat([Buffer.from([tag]), derLength(length), ...contents]);
}

/** A BIT STRING whose bits fill its last byte, as keys and signatures do. */
export function derBitString(bytes: Uint8Array): Buffer {
  return der(TAG.bitString, Buffer.from([0]), bytes);
}

/** An OBJECT IDENTIFIER from its dotted form. */
export function derOid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes: number[] = [];
  for (const arc of [first * 40 + second, ...rest]) {
    const groups = [arc & 0x7f];
    for (let left = arc >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return der(TAG.oid, Buffer.from(bytes));
}

function derLength(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const bytes: number[] = [];
  for (let left = length; left > 0; left >>>= 8) bytes.unshift(left & 0xff);
  return Buffer.from([0x80 | bytes.length, ...bytes]);
}

/** Where an element's contents lie: `from` inclusive, `to` exclusive. The next element starts at `to`. */
export interface DerElement {
  readonly tag: number;
  readonly from: number;
  readonly to: number;
}

/**
 * The element that starts at `at` and ends no later than `end`. Undefined when there is none: the bytes end early, the tag has
 * several bytes (nothing in a certificate has), or the length is indefinite or not the shortest (which DER forbids).
 */
export function readDer(bytes: Uint8Array, at: number, end: number): DerElement | undefined {
  if (at + 2 > end) return undefined;
  const tag = bytes[at]!;
  if ((tag & 0x1f) === 0x1f) return undefined;
  const first = bytes[at + 1]!;
  let from = at + 2;
  let length = first;
  if (first >= 0x80) {
    const size = first & 0x7f;
    if (size === 0 || size > 3 || from + size > end || bytes[from] === 0) return undefined;
    length = 0;
    for (let i = 0; i < size; i++) length = (length << 8) | bytes[from + i]!;
    if (length < 0x80) return undefined;
    from += size;
  }
  return from + length <= end ? { tag, from, to: from + length } : undefined;
}

/** The elements that fill `from`..`to` exactly, in order; undefined when what is there is not a row of whole elements. */
export function readDerAll(bytes: Uint8Array, from: number, to: number): DerElement[] | undefined {
  const elements: DerElement[] = [];
  for (let at = from; at < to; ) {
    const element = readDer(bytes, at, to);
    if (!element) return undefined;
    elements.push(element);
    at = element.to;
  }
  return elements;
}
