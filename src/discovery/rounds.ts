import { type Guarded, guarded } from '../errors/index.ts';
import type { Cancel, Clock } from '../time/index.ts';

/** How a round goes. */
export interface RoundsOptions<T extends Guarded> {
  readonly clock: Clock;
  /** Whom it goes around; who comes or goes meanwhile is taken as it is. */
  readonly all: ReadonlySet<T>;
  /** How long a round takes, ms; asked at every turn. */
  readonly everyMs: () => number;
  /** The name of what is done, for the log of faults. */
  readonly name: string;
  readonly visit: (each: T) => void;
}

/** A few are visited at a time. */
const turnMs = 100;

/**
 * Visits everybody once in so often, a few in each turn: a thousand writes in one go, each with its system call, keep whatever
 * else happened meanwhile waiting, and their answers, which come together as well, do it again.
 */
export class Rounds<T extends Guarded> {
  readonly #options: RoundsOptions<T>;
  #rest: Iterator<T> | undefined;
  #atMs = 0;
  /** Visits that are due, with the part of the next one. */
  #due = 0;

  constructor(options: RoundsOptions<T>) {
    this.#options = options;
  }

  /** Begins; what is returned ends it. */
  start(): Cancel {
    const { clock } = this.#options;
    this.#atMs = clock.monotonic();
    return clock.every(turnMs, () => this.#turn());
  }

  /** A turn that comes late makes up for what it missed, but nobody is visited twice in it: we may have been stopped. */
  #turn(): void {
    const { clock, all, everyMs, name, visit } = this.#options;
    const nowMs = clock.monotonic();
    const passedMs = nowMs - this.#atMs;
    this.#atMs = nowMs;
    this.#due = Math.min(all.size, this.#due + (all.size * passedMs) / everyMs());
    for (; this.#due >= 1; this.#due--) {
      const next = this.#next();
      if (next === undefined) return;
      guarded(name, () => visit(next), next)();
    }
  }

  #next(): T | undefined {
    let next = this.#rest?.next();
    if (!next || next.done) {
      this.#rest = this.#options.all.values();
      next = this.#rest.next();
    }
    return next.done ? undefined : next.value;
  }
}
