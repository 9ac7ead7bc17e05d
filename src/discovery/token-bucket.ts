import type { Clock } from '../time/index.ts';

/**
 * Lets `perSecond` through in the long run, and ten times as many at once. Whoever takes more than there is, gets it and goes into
 * debt: nothing is lost or refused, the next has to wait.
 */
export class TokenBucket {
  readonly #clock: Clock;
  readonly #perSecond: number;
  #left: number;
  #atMs: number;

  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#left = perSecond * 10;
    this.#atMs = clock.monotonic();
  }

  /** Takes so many. Returns for how many milliseconds nothing more may be taken; 0 while there are some left. */
  take(count = 1): number {
    const nowMs = this.#clock.monotonic();
    const earned = ((nowMs - this.#atMs) / 1000) * this.#perSecond;
    this.#atMs = nowMs;
    this.#left = Math.min(this.#perSecond * 10, this.#left + earned) - count;
    return this.#left >= 0 ? 0 : Math.ceil((-this.#left / this.#perSecond) * 1000);
  }
}
