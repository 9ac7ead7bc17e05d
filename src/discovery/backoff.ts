/** Waits between attempts: doubling from a quarter of a second to 15 s, each cut by up to a half at random, so that a thousand
 *  proxies do not come back at once. */
export class Backoff {
  readonly #random: () => number;
  #failures = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** Attempts that failed in a row. */
  get failures(): number {
    return this.#failures;
  }

  /** Milliseconds until the next attempt. */
  next(): number {
    const fullMs = Math.min(15_000, 250 * 2 ** Math.min(this.#failures++, 10));
    return fullMs * (1 - this.#random() / 2);
  }

  /** An attempt succeeded. */
  reset(): void {
    this.#failures = 0;
  }
}
