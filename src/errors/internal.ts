// Errors of Weft's own that nobody catches: a callback of the operating system, of the TLS library, of a peer or of time throws.
// None may end the process. Whoever calls code of ours from such a callback catches what it throws, tells it here, and closes
// what the callback was about. docs/callbacks.md lists the callbacks and their guards; callbacks.test.ts holds the list against
// the source.

/** What is told of an error of Weft's own. */
export interface InternalError {
  /** The guard that caught it: `wire.read`, `timer`, … */
  readonly where: string;
  readonly thrown: unknown;
  /** How many this guard has caught so far, this one included. */
  readonly count: number;
}

/** Something that belongs to one client and can be given up. */
export interface Guarded {
  /** An error of Weft's own came up in its midst: it cannot go on and closes, without harm to others. */
  onFault?(): void;
}

/** Words for whoever is cut off because of one. */
export const INTERNAL_ERROR = 'an internal error of weft; the log of this proxy has its stack';

const counts = new Map<string, number>();
let tell: ((error: InternalError) => void) | undefined;

/** Where to tell errors from now on; undefined: nowhere, and each then ends the process, so that no test overlooks one. */
export function onInternalError(listener: ((error: InternalError) => void) | undefined): void {
  tell = listener;
}

/** Counts and tells an error that nobody caught. Never throws. */
export function internalError(where: string, thrown: unknown): void {
  const count = (counts.get(where) ?? 0) + 1;
  counts.set(where, count);
  if (tell === undefined) {
    queueMicrotask(() => {
      throw thrown;
    });
    return;
  }
  try {
    tell({ where, thrown, count });
  } catch {
    // A log that cannot be written must not be what ends the process; the count has it.
  }
}

/** Counts one that cannot be told, because telling is what failed. */
export function countInternalError(where: string): void {
  counts.set(where, (counts.get(where) ?? 0) + 1);
}

/** Counts so far, by guard. */
export function internalErrors(): ReadonlyMap<string, number> {
  return counts;
}

/** Gives up what an error has hit. Never throws. */
export function giveUp(where: string, hit: Guarded | undefined): void {
  try {
    hit?.onFault?.();
  } catch (thrown) {
    internalError(where, thrown);
  }
}

/**
 * `run` for a callback that others call: what it throws is told as an error of `where`, and then `hit` gives up. Not for the hot
 * path.
 */
export function guarded<A extends readonly unknown[]>(
  where: string,
  run: (...args: A) => void,
  hit?: Guarded | (() => void),
): (...args: A) => void {
  return (...args) => {
    try {
      run(...args);
    } catch (thrown) {
      internalError(where, thrown);
      giveUp(where, typeof hit === 'function' ? { onFault: hit } : hit);
    }
  };
}
