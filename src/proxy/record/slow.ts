import type { Route } from '../../model/index.ts';

/** How far above the 99th percentile a request must be to count as slow. */
const factor = 2;
/** So few requests of a route say nothing about what is usual there. */
const enough = 200;
/** Nobody wonders about less, milliseconds. */
const leastMs = 20;
/** How much one request moves the estimate. */
const step = 0.05;

/**
 * Which requests are slow for their route: more than twice as slow as its 99th percentile. That is estimated as it goes, with two
 * numbers for each route (after Ma, Muthukrishnan and Sandler, "Frugal Streaming for Estimating Quantiles", 2013, in relative
 * steps): a request above the estimate moves it up by 0.99 steps, one below it down by 0.01, which is at rest where 1 in 100 is
 * above.
 */
export class SlowRequests {
  readonly #fixedMs: number | undefined;
  #routes = new WeakMap<Route, { p99Ms: number; seen: number }>();

  /** `fixedMs`: from there on every request is slow, and none below; undefined to go by the route. */
  constructor(fixedMs: number | undefined) {
    this.#fixedMs = fixedMs;
  }

  /** Whether a request of the route that took so long is slow. Counts it. */
  judge(route: Route | undefined, durationMs: number): boolean {
    if (this.#fixedMs !== undefined) return durationMs >= this.#fixedMs;
    if (route === undefined) return false;
    const known = this.#routes.get(route);
    if (known === undefined) {
      this.#routes.set(route, { p99Ms: Math.max(1, durationMs), seen: 1 });
      return false;
    }
    known.seen++;
    const { p99Ms } = known;
    // The first few show where it lies; from there on it moves slowly.
    const by = known.seen < enough ? step * 4 : step;
    known.p99Ms = durationMs > p99Ms ? p99Ms * (1 + 0.99 * by) : p99Ms * (1 - 0.01 * by);
    return known.seen > enough && durationMs > leastMs && durationMs > p99Ms * factor;
  }
}
