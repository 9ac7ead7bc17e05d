import type { Route } from '../../model/index.ts';

/** How far above the 99th percentile a request must be to count as slow. */
const factor = 2;
/** So few requests of a route say nothing about what is usual there. */
const enough = 200;
/** Nobody wonders about less, milliseconds. */
const leastMs = 20;
/** How much a request above the estimate moves it, and a hundred below it: the first ones four times as much. */
const up = 1.05;
const down = 1 / up;
const firstUp = 1.2;
const firstDown = 1 / firstUp;
const share = 99;

/** What is known of a route. */
interface Usual {
  /** Whole milliseconds, at least 1: nobody wonders about less, and a small integer costs no memory to look at. */
  p99Ms: number;
  seen: number;
  /** Requests below the estimate that have not moved it yet. */
  below: number;
}

/**
 * Which requests are slow for their route: more than twice as slow as its 99th percentile. That is estimated as it goes (after
 * Ma, Muthukrishnan and Sandler, "Frugal Streaming for Estimating Quantiles", 2013, in relative steps): a request above the
 * estimate moves it up by a step, 99 below it move it down by one, which is at rest where 1 in 100 is above.
 */
export class SlowRequests {
  readonly #fixedMs: number | undefined;
  readonly #routes = new WeakMap<Route, Usual>();

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
      this.#routes.set(route, { p99Ms: Math.max(1, Math.ceil(durationMs)), seen: 1, below: 0 });
      return false;
    }
    const isEarly = ++known.seen <= enough;
    if (durationMs <= known.p99Ms) {
      if (++known.below < share) return false;
      known.below = 0;
      known.p99Ms = Math.max(1, Math.floor(known.p99Ms * (isEarly ? firstDown : down)));
      return false;
    }
    const slow = !isEarly && durationMs > leastMs && durationMs > known.p99Ms * factor;
    known.p99Ms = Math.ceil(known.p99Ms * (isEarly ? firstUp : up));
    return slow;
  }
}
