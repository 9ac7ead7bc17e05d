import type { Clock } from '../time/index.ts';

/** Lets `perSecond` through in the long run, and ten times as many at once. */
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

  /** Takes one; false when there is none. */
  take(): boolean {
    const nowMs = this.#clock.monotonic();
    const earned = ((nowMs - this.#atMs) / 1000) * this.#perSecond;
    this.#atMs = nowMs;
    this.#left = Math.min(this.#perSecond * 10, this.#left + earned);
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
