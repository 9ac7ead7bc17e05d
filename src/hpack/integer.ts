// Integers of RFC 7541 section 5.1.

/** Where the integer that was read last ends. */
export const read = { next: 0 };

/** Not all of it is there. */
export const TRUNCATED = -1;
/** Longer than five octets behind its prefix, or above 2^31 - 1: no peer that means well sends it. */
export const TOO_LARGE = -2;

/**
 * The integer with a prefix of `prefixBits` at `bytes[at]`; TRUNCATED or TOO_LARGE. Five octets behind the prefix at most: an
 * endless row of zeros is refused as well.
 */
export function readInteger(bytes: Uint8Array, at: number, end: number, prefixBits: number): number {
  const most = (1 << prefixBits) - 1;
  let value = bytes[at]! & most;
  let i = at + 1;
  if (value < most) {
    read.next = i;
    return value;
  }
  for (let shift = 0; shift <= 28; shift += 7) {
    if (i >= end) return TRUNCATED;
    const octet = bytes[i++]!;
    // Not shifted: 2^28 times 127 is no 32-bit integer.
    value += (octet & 0x7f) * 2 ** shift;
    if (value > 0x7fffffff) return TOO_LARGE;
    if (octet < 0x80) {
      read.next = i;
      return value;
    }
  }
  return TOO_LARGE;
}

/** Writes `value` with a prefix of `prefixBits` whose other bits are those of `first`; the offset after it. Six bytes at most. */
export function writeInteger(
  out: Uint8Array,
  at: number,
  first: number,
  prefixBits: number,
  value: number,
): number {
  const most = (1 << prefixBits) - 1;
  let to = at;
  if (value < most) {
    out[to++] = first | value;
    return to;
  }
  out[to++] = first | most;
  let rest = value - most;
  while (rest >= 0x80) {
    out[to++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  out[to++] = rest;
  return to;
}
