/**
 * A 32-bit hash of `bytes[start, end)` (MurmurHash3 x86_32, public domain, Austin Appleby). Spreads well and is quick in this
 * language; no protection against who chooses the bytes on purpose.
 */
export function hashBytes(bytes: Uint8Array, start: number, end: number, seed = 0): number {
  let hash = seed | 0;
  const whole = end - ((end - start) & 3);
  let at = start;
  for (; at < whole; at += 4) {
    const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    hash ^= scramble(word);
    hash = (hash << 13) | (hash >>> 19);
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  }
  let rest = 0;
  for (let shift = 0; at < end; at++, shift += 8) rest |= bytes[at]! << shift;
  if (end > whole) hash ^= scramble(rest);
  return mix(hash ^ (end - start));
}

/** Two hashes, or a hash and a number, made one. */
export function mixHashes(a: number, b: number): number {
  let hash = a ^ scramble(b | 0);
  hash = (hash << 13) | (hash >>> 19);
  return mix((Math.imul(hash, 5) + 0xe6546b64) | 0);
}

function scramble(word: number): number {
  const mixed = Math.imul(word, 0xcc9e2d51);
  return Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
}

function mix(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
