/** How a bucket fills. */
export interface BucketSize {
  /** How many it holds; it begins full. */
  readonly maxTokens: number;
  /** So many more at the end of each interval. */
  readonly perFill: number;
  readonly fillIntervalMs: number;
}

/** Lets `perSecond` through in the long run, evenly, and ten times as many at once. */
export function perSecond(count: number): BucketSize {
  return { maxTokens: count * 10, perFill: count / 1000, fillIntervalMs: 1 };
}

/** A token bucket without a timer: what has flown in meanwhile is worked out when somebody wants a token. Times monotonic. */
export class TokenBucket {
  readonly #maxTokens: number;
  readonly #perFill: number;
  readonly #fillIntervalMs: number;
  #tokens: number;
  #filledMs: number;

  constructor(bucket: BucketSize, nowMs: number) {
    this.#maxTokens = bucket.maxTokens;
    this.#perFill = bucket.perFill;
    this.#fillIntervalMs = Math.max(1, bucket.fillIntervalMs);
    this.#tokens = bucket.maxTokens;
    this.#filledMs = nowMs;
  }

  /** Takes a token; false when there is none. */
  take(nowMs: number): boolean {
    this.#fill(nowMs);
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }

  /**
   * Takes so many, be there too few: nothing is lost or refused, the next has to wait. Returns for how many milliseconds nothing
   * more may be taken; 0 while there are some left.
   */
  borrow(count: number, nowMs: number): number {
    this.#fill(nowMs);
    this.#tokens -= count;
    if (this.#tokens >= 0) return 0;
    // A little less, because a sum of fractions is a little more than it should be now and then.
    return Math.ceil(-this.#tokens / this.#perFill - 1e-6) * this.#fillIntervalMs;
  }

  /** How long until the next token, milliseconds; Infinity when none will ever come. */
  waitMs(nowMs: number): number {
    this.#fill(nowMs);
    if (this.#tokens >= 1) return 0;
    if (this.#perFill <= 0 || this.#maxTokens < 1) return Number.POSITIVE_INFINITY;
    const fills = Math.ceil((1 - this.#tokens) / this.#perFill);
    return Math.max(0, this.#filledMs + fills * this.#fillIntervalMs - nowMs);
  }

  #fill(nowMs: number): void {
    const passedMs = nowMs - this.#filledMs;
    if (passedMs < this.#fillIntervalMs) return;
    const fills = Math.floor(passedMs / this.#fillIntervalMs);
    this.#filledMs += fills * this.#fillIntervalMs;
    this.#tokens = Math.min(this.#maxTokens, this.#tokens + fills * this.#perFill);
  }
}
