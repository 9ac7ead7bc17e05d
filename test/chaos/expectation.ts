// Pure: what a row of the table promises, and whether it was kept.
import { KINDS, type Kind } from './kinds.ts';
import type { Seen } from './seen.ts';

/** The most that clients of a kind may see. */
export interface Limits {
  readonly errors: number;
  /** Longest time without an answer. */
  readonly gapMs: number;
  /** Longest time from the fault's end to the last error. */
  readonly recoveredMs?: number;
}

/** By kind; kinds that are not named have the limits of `others`. */
export type Expectation = Partial<Readonly<Record<Kind, Limits>>> & { readonly others: Limits };

/**
 * What was promised and did not hold, in words; empty when all did. `lateMs` is how late this machine was for its own timers
 * meanwhile: where others use it, that and what calls took before the fault, four times each, is no fault of the mesh. Errors are
 * never excused.
 */
export function brokenPromises(
  expected: Expectation,
  seen: Readonly<Record<Kind, Seen>>,
  lateMs: number,
): readonly string[] {
  const excusedMs = 4 * (lateMs + Math.max(...KINDS.map(kind => seen[kind].p99Ms.before)));
  return KINDS.flatMap(kind => {
    const { errors, gapMs, recoveredMs = Number.POSITIVE_INFINITY } = expected[kind] ?? expected.others;
    const was = seen[kind];
    return [
      was.failed > errors
        ? `${kind}: ${was.failed} errors (${JSON.stringify(was.errors)}), at most ${errors} are expected`
        : '',
      was.longestGapMs > gapMs + excusedMs
        ? `${kind}: ${Math.round(was.longestGapMs)} ms without an answer, at most ${gapMs} are expected`
        : '',
      was.recoveredMs > recoveredMs + excusedMs
        ? `${kind}: errors until ${Math.round(was.recoveredMs)} ms after the fault's end, at most ${recoveredMs} are expected`
        : '',
    ].filter(Boolean);
  });
}
