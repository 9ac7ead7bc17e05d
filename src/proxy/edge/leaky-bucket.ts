/**
 * nginx's limit_req (ngx_http_limit_req_lookup): how much more than its rate a client has asked for, in thousandths of a request,
 * which leaks away at that rate. Times are milliseconds.
 */
export class LeakyBucket {
  #excess = 0;
  #lastMs: number;
  #isNew = true;

  constructor(nowMs: number) {
    this.#lastMs = nowMs;
  }

  /** What one more request would make of it: the excess in requests; nothing changes. */
  with(perSecond: number, nowMs: number): number {
    if (this.#isNew) return 0;
    const passedMs = Math.max(0, nowMs - this.#lastMs);
    return Math.max(0, this.#excess - (perSecond * passedMs) / 1000 + 1);
  }

  /** Takes the request. */
  take(excess: number, nowMs: number): void {
    this.#isNew = false;
    this.#excess = excess;
    this.#lastMs = nowMs;
  }
}
