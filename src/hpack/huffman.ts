// The Huffman code of RFC 7541 Appendix B. It is canonical: the lengths of its codes say everything.
import { BYTE_CLASS } from './byte-class.ts';

/** Code lengths of symbols 0 to 255 and of EOS, one base-36 digit each. */
const lengths = [
  'dnsssssssoussussssssssusssssssss6aacd68baa8b8666555666666678f6ca',
  'd67777777777777777777777878djde6f56565666577666567655677777fbeds',
  'kmkkmmmnmnnnnnonoomnonnnnlmnmnnomlkmmnnlnmmolmnnllmlnmnnkmmmnmmn',
  'qqkjmnmpqqqrrqopjlqrrqrollqqsrrrkoklmllnmmppooqnqrqqrrrrrsrrrrrqu',
].join('');

const EOS = 256;
const CODE_LENGTHS = new Uint8Array(EOS + 1);
const CODES = new Uint32Array(EOS + 1);

{
  for (let symbol = 0; symbol <= EOS; symbol++) CODE_LENGTHS[symbol] = Number.parseInt(lengths[symbol]!, 36);
  let code = 0;
  for (let length = 5; length <= 30; length++) {
    for (let symbol = 0; symbol <= EOS; symbol++) if (CODE_LENGTHS[symbol] === length) CODES[symbol] = code++;
    code *= 2;
  }
}

/** An entry: the symbol, its NOT flags, whether there is one, and the next state. */
const FLAGS_SHIFT = 8;
const EMITS = 1 << 16;
const STATE_SHIFT = 17;
/** An entry that no sequence of codes leads to: EOS is among them. */
const FAILED = -1;
let steps: Int32Array | undefined;
let mayEnd: Uint8Array;

/**
 * A state machine that takes four bits at a time, as nghttp2's: a state is what is left of a code that has begun. At least one
 * symbol in two steps, never two in one. The flags of each symbol stand in its entry, as in h2o, so that looking at them is free.
 * docs/decisions/http2.md has it beside steps of eight bits and a window of bits.
 */
function makeSteps(): Int32Array {
  // The tree of codes: two children for each inner node, negative for a symbol.
  const children: number[][] = [[0, 0]];
  for (let symbol = 0; symbol <= EOS; symbol++) {
    let node = 0;
    for (let bit = CODE_LENGTHS[symbol]! - 1; bit >= 0; bit--) {
      const side = (CODES[symbol]! >>> bit) & 1;
      if (bit === 0) children[node]![side] = -1 - symbol;
      else if (children[node]![side] === 0) {
        children[node]![side] = children.length;
        children.push([0, 0]);
        node = children.length - 1;
      } else node = children[node]![side]!;
    }
  }
  const table = new Int32Array(children.length * 16);
  for (let state = 0; state < children.length; state++)
    for (let bits = 0; bits < 16; bits++) table[state * 16 + bits] = step(children, state, bits);
  // RFC 7541 section 5.2: padding is the most significant bits of EOS, fewer than eight, which are ones.
  mayEnd = new Uint8Array(children.length);
  for (let node = 0, depth = 0; depth < 8; depth++) {
    mayEnd[node] = 1;
    node = children[node]![1]!;
  }
  return table;
}

function step(children: readonly number[][], from: number, bits: number): number {
  let node = from;
  let emitted = 0;
  for (let bit = 3; bit >= 0; bit--) {
    const child = children[node]![(bits >>> bit) & 1]!;
    if (child >= 0) {
      node = child;
      continue;
    }
    const symbol = -1 - child;
    if (symbol === EOS) return FAILED;
    emitted = EMITS | (BYTE_CLASS[symbol]! << FLAGS_SHIFT) | symbol;
    node = 0;
  }
  return (node << STATE_SHIFT) | emitted;
}

/** The NOT flags of what was decoded last. */
export const decoded = { flags: 0 };

/**
 * Decodes `bytes[start, end)` to `out` at `at`, which must have room for 8/5 of the bytes. Returns the offset after what was
 * written, or -1 where the code is broken: EOS in it, or padding that is not.
 */
export function decodeHuffman(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  at: number,
): number {
  steps ??= makeSteps();
  const table = steps;
  let state = 0;
  let seen = 0;
  let to = at;
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    const high = table[(state << 4) | (byte >>> 4)]!;
    if (high < 0) return -1;
    if ((high & EMITS) !== 0) out[to++] = high;
    const low = table[((high >>> STATE_SHIFT) << 4) | (byte & 15)]!;
    if (low < 0) return -1;
    if ((low & EMITS) !== 0) out[to++] = low;
    seen |= high | low;
    state = low >>> STATE_SHIFT;
  }
  decoded.flags = (seen >>> FLAGS_SHIFT) & 0xff;
  return mayEnd[state] === 1 ? to : -1;
}

/** Bytes that `bytes[start, end)` takes in the Huffman code. */
export function huffmanLength(bytes: Uint8Array, start: number, end: number): number {
  let bits = 0;
  for (let i = start; i < end; i++) bits += CODE_LENGTHS[bytes[i]!]!;
  return (bits + 7) >>> 3;
}

/** Writes `bytes[start, end)` in the Huffman code to `out` at `at`; the offset after it. */
export function encodeHuffman(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  at: number,
): number {
  let to = at;
  // Fewer than eight bits wait; with a code of up to 30 more that is beyond 32, so long codes go in two parts.
  let waiting = 0;
  let count = 0;
  for (let i = start; i < end; i++) {
    const symbol = bytes[i]!;
    let length = CODE_LENGTHS[symbol]!;
    let code = CODES[symbol]!;
    if (length > 16) {
      waiting = (waiting << 16) | (code >>> (length - 16));
      count += 16;
      while (count >= 8) {
        count -= 8;
        out[to++] = waiting >>> count;
      }
      length -= 16;
      code &= (1 << length) - 1;
    }
    waiting = (waiting << length) | code;
    count += length;
    while (count >= 8) {
      count -= 8;
      out[to++] = waiting >>> count;
    }
  }
  if (count > 0) out[to++] = (waiting << (8 - count)) | (0xff >>> count);
  return to;
}
