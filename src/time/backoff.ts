/** How long to wait between attempts. */
export interface BackoffTimes {
  readonly firstMs: number;
  readonly longestMs: number;
}

/** Waits that double from the first to the longest, each cut by up to a half at random, so that many do not come back at once. */
export class Backoff {
  readonly #times: BackoffTimes;
  readonly #random: () => number;
  #failures = 0;

  constructor(times: BackoffTimes = { firstMs: 250, longestMs: 15_000 }, random: () => number = Math.random) {
    this.#times = times;
    this.#random = random;
  }

  /** Attempts that failed in a row. */
  get failures(): number {
    return this.#failures;
  }

  /** Milliseconds until the next attempt. */
  next(): number {
    const { firstMs, longestMs } = this.#times;
    const fullMs = Math.min(longestMs, firstMs * 2 ** Math.min(this.#failures++, 20));
    return fullMs * (1 - this.#random() / 2);
  }

  /** An attempt succeeded. */
  reset(): void {
    this.#failures = 0;
  }
}
