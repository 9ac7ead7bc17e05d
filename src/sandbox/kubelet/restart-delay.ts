import { Backoff } from '../../time/index.ts';

/** The sandbox restarts sooner than Kubernetes (10 s, doubling to 5 min): at once, then 1 s, doubling to 30 s. */
const times = { firstMs: 1000, longestMs: 30_000 };
/** A container that ran this long is taken to be well, and its next crash to be a first one. */
const wellAfterMs = 60_000;

/** How long to wait before the next restart of one container. */
export class RestartDelay {
  readonly #backoff = new Backoff(times, () => 0);
  #crashed = false;

  /** Milliseconds to wait, given how long the container ran this time. */
  next(ranMs: number): number {
    if (ranMs >= wellAfterMs) {
      this.#backoff.reset();
      this.#crashed = false;
    }
    if (this.#crashed) return this.#backoff.next();
    this.#crashed = true;
    return 0;
  }
}
