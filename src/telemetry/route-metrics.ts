import { type Exposition, labelText, type Rendering } from './exposition.ts';
import { BUCKETS, Histogram } from './histogram.ts';
import { OVERFLOW } from './peer-names.ts';
import { DEFAULT_METRIC_LIMITS, type MetricLimits, SeriesBudget } from './series-budget.ts';

/** What one route with a name of its own counts. Reached through the route, never looked up per request. */
export interface RouteSeries {
  readonly labels: string;
  success: number;
  failure: number;
  /** Tries, retries included: what was really sent. */
  tries: number;
  readonly durationMs: Histogram;
  /** When it last counted, for expiry. */
  touchedMs: number;
  /** Dropped by `expire`; whoever holds it opens a new one. */
  expired: boolean;
}

const linesPerSeries = 3 + BUCKETS.length + 3;
const routeLimits: MetricLimits = { ...DEFAULT_METRIC_LIMITS, maxSeries: 1000, maxBytes: 8 << 20 };
const overflowLabels = labelText({ dst: OVERFLOW, rt_route: OVERFLOW, overflow: 'true' });

/** Requests by route, as Linkerd's ServiceProfiles show them: effective (what callers saw) and actual (tries). */
export class RouteMetrics {
  readonly #limits: MetricLimits;
  readonly #budget: SeriesBudget;
  readonly #series = new Map<string, RouteSeries>();
  #overflow: RouteSeries | undefined;
  #overflows = 0;

  constructor(limits: MetricLimits = routeLimits) {
    this.#limits = limits;
    this.#budget = new SeriesBudget(limits, linesPerSeries);
  }

  /** The series of a route, kept over changes of its configuration. `host`: fully qualified. */
  open(host: string, route: string): RouteSeries {
    const labels = labelText({ dst: host, rt_route: route });
    const known = this.#series.get(labels);
    if (known !== undefined) return known;
    if (!this.#budget.take(labels)) {
      this.#overflows++;
      this.#overflow ??= newSeries(overflowLabels);
      return this.#overflow;
    }
    const series = newSeries(labels);
    this.#series.set(labels, series);
    return series;
  }

  /** How often there was no room for a series. */
  get overflows(): number {
    return this.#overflows;
  }

  /** Drops what has been idle for too long: rules come and go. */
  expire(nowMs: number): void {
    for (const [labels, series] of this.#series) {
      // Of a route that nobody has called yet, the time begins now.
      if (series.touchedMs === 0) series.touchedMs = nowMs;
      if (nowMs - series.touchedMs <= this.#limits.expireMs) continue;
      this.#series.delete(labels);
      this.#budget.give(labels);
      series.expired = true;
    }
  }

  *render(out: Exposition): Rendering {
    const all = [...this.#series.values(), ...(this.#overflow ? [this.#overflow] : [])];
    if (all.length === 0) return;
    out.family(
      'weft_route_requests_total',
      'counter',
      'Requests by route, as their callers saw them; response classes of the route tell success from failure.',
    );
    for (const { labels, success, failure } of all) {
      out.sample('weft_route_requests_total', `${labels},classification="success"`, success);
      out.sample('weft_route_requests_total', `${labels},classification="failure"`, failure);
      if (out.full) yield;
    }
    out.family('weft_route_tries_total', 'counter', 'Tries by route, retries included.');
    for (const { labels, tries } of all) {
      out.sample('weft_route_tries_total', labels, tries);
      if (out.full) yield;
    }
    out.family('weft_route_duration_milliseconds', 'histogram', 'Time to the complete answer, by route.');
    for (const { labels, durationMs } of all) {
      out.histogram('weft_route_duration_milliseconds', labels, durationMs);
      if (out.full) yield;
    }
  }
}

function newSeries(labels: string): RouteSeries {
  return {
    labels,
    success: 0,
    failure: 0,
    tries: 0,
    durationMs: new Histogram(),
    touchedMs: 0,
    expired: false,
  };
}
