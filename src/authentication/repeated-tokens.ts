// Clients send the same token again and again: what it was verified to say is found by its bytes in the head, without making a
// text of them.
import type { Accepted } from './authenticator.ts';

/** A power of two: by the end of the token one of so many slots is its own. */
const slotBits = 6;
/** Longer ones are found as texts: all slots together hold half a megabyte at most. */
const maxBytes = 4096;
/** What is compared first. No token is shorter. */
const tailBytes = 12;

/** Where the one token of a request may be: which of the rule's places, and the range of what stands there. */
export interface TokenSpot {
  place: number;
  start: number;
  end: number;
}

interface Repeated {
  readonly place: number;
  readonly bytes: Buffer;
  readonly accepted: Accepted;
  /** Seconds since the epoch, with what clocks may differ by. */
  readonly untilSeconds: number;
}

/** Values that bring tokens of one rule that were verified, by place and bytes. Holds for as long as the rule's keys do. */
export class RepeatedTokens {
  readonly #slots = new Array<Repeated | undefined>(1 << slotBits).fill(undefined);

  get(bytes: Buffer, { place, start, end }: TokenSpot, nowSeconds: number): Accepted | undefined {
    const length = end - start;
    if (length < tailBytes || length > maxBytes) return undefined;
    const at = slotOf(bytes, end);
    const known = this.#slots[at];
    if (known === undefined || known.bytes.length !== length || known.place !== place) return undefined;
    // The end is the signature's. Who does not have it learns nothing from how long the rest takes to compare.
    let differ = 0;
    for (let back = 1; back <= tailBytes; back++) differ |= bytes[end - back]! ^ known.bytes[length - back]!;
    if (differ !== 0 || known.bytes.compare(bytes, start, end) !== 0) return undefined;
    if (nowSeconds <= known.untilSeconds) return known.accepted;
    this.#slots[at] = undefined;
    return undefined;
  }

  put(bytes: Buffer, { place, start, end }: TokenSpot, accepted: Accepted, untilSeconds: number): void {
    const length = end - start;
    if (length < tailBytes || length > maxBytes) return;
    // A buffer of its own: a part of a pool would keep all of that alive.
    const own = Buffer.allocUnsafeSlow(length);
    bytes.copy(own, 0, start, end);
    this.#slots[slotOf(bytes, end)] = { place, bytes: own, accepted, untilSeconds };
  }

  clear(): void {
    this.#slots.fill(undefined);
  }
}

/** Fibonacci hashing of the last four bytes (Knuth, volume 3, section 6.4). */
function slotOf(bytes: Buffer, end: number): number {
  const tail = bytes[end - 1]! | (bytes[end - 2]! << 8) | (bytes[end - 3]! << 16) | (bytes[end - 4]! << 24);
  return Math.imul(tail, 0x9e3779b1) >>> (32 - slotBits);
}
