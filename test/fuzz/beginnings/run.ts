import { Random } from '../random.ts';
import { problemOf, READERS, type Reader } from './readers.ts';

/** Bytes of which something does not hold. */
export interface BadBeginning {
  readonly reader: string;
  readonly number: number;
  readonly words: string;
  /** Latin1, as small as it was made; of a flood the beginning. */
  readonly bytes: string;
}

/** Tries `cases` beginnings, each reader in turn; the same seed gives the same ones. Stops after `maxFindings`. */
export function fuzzBeginnings(
  { cases, seed, maxFindings }: { cases: number; seed: number; maxFindings: number },
  readers: readonly Reader[] = READERS,
): BadBeginning[] {
  const found: BadBeginning[] = [];
  for (let number = 0; number < cases && found.length < maxFindings; number++) {
    const reader = readers[number % readers.length]!;
    const random = new Random(seed, number);
    const bytes = reader.generate(random);
    const words = problemOf(reader, bytes, random);
    if (words === undefined) continue;
    const small = shrink(
      bytes,
      smaller => problemOf(reader, smaller, new Random(seed, number)) !== undefined,
    );
    const last = problemOf(reader, small, new Random(seed, number)) ?? words;
    found.push({ reader: reader.name, number, words: last, bytes: small.toString('latin1', 0, 2_000) });
  }
  return found;
}

/** Leaves out ever smaller pieces for as long as it is still bad. */
function shrink(bytes: Buffer, isBad: (smaller: Buffer) => boolean): Buffer {
  // Cut as at first it may be well; then it stays as it is.
  if (!isBad(bytes) || bytes.length > 16_384) return bytes;
  let best = bytes;
  for (let size = best.length >> 1; size >= 1; size >>= 1) {
    for (let at = 0; at < best.length; ) {
      const smaller = Buffer.concat([best.subarray(0, at), best.subarray(at + size)]);
      if (isBad(smaller)) best = smaller;
      else at += size;
    }
  }
  return best;
}
