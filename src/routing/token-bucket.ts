import type { TokenBucket as TokenBucketModel } from '../model/index.ts';

/** A token bucket without a timer: what has flown in meanwhile is worked out when somebody wants a token. Times monotonic. */
export class TokenBucket {
  readonly #maxTokens: number;
  readonly #perFill: number;
  readonly #fillIntervalMs: number;
  #tokens: number;
  #filledMs: number;

  constructor(bucket: TokenBucketModel, nowMs: number) {
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
