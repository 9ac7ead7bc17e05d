/** The sandbox restarts sooner than Kubernetes (10 s, doubling to 5 min): at once, then 1 s, doubling to 30 s. */
const firstMs = 1000;
const longestMs = 30_000;
/** A container that ran this long is taken to be well, and its next crash to be a first one. */
const wellAfterMs = 60_000;

/** How long to wait before the next restart of one container. */
export class Backoff {
  #next = 0;

  /** Milliseconds to wait, given how long the container ran this time. */
  next(ranMs: number): number {
    if (ranMs >= wellAfterMs) this.#next = 0;
    const wait = this.#next;
    this.#next = wait === 0 ? firstMs : Math.min(longestMs, wait * 2);
    return wait;
  }
}
