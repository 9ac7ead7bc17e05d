import { type Exposition, labelText } from './exposition.ts';
import { Histogram } from './histogram.ts';

/** What one route with a name of its own counts. Reached through the route, never looked up per request. */
export interface RouteSeries {
  readonly labels: string;
  success: number;
  failure: number;
  /** Tries, retries included: what was really sent. */
  tries: number;
  readonly durationMs: Histogram;
}

const maxRoutes = 1000;

/** Requests by route, as Linkerd's ServiceProfiles show them: effective (what callers saw) and actual (tries). */
export class RouteMetrics {
  readonly #series = new Map<string, RouteSeries>();

  /** The series of a route, kept over changes of its configuration. `host`: fully qualified. */
  open(host: string, route: string): RouteSeries {
    const full = this.#series.size >= maxRoutes;
    let labels = labelText({ dst: host, rt_route: route });
    if (full && !this.#series.has(labels)) labels = 'overflow="true"';
    let series = this.#series.get(labels);
    if (series === undefined) {
      series = { labels, success: 0, failure: 0, tries: 0, durationMs: new Histogram() };
      this.#series.set(labels, series);
    }
    return series;
  }

  render(out: Exposition): void {
    if (this.#series.size === 0) return;
    const all = [...this.#series.values()];
    out.family(
      'weft_route_requests_total',
      'counter',
      'Requests by route, as their callers saw them; response classes of the route tell success from failure.',
    );
    for (const { labels, success, failure } of all) {
      out.sample('weft_route_requests_total', `${labels},classification="success"`, success);
      out.sample('weft_route_requests_total', `${labels},classification="failure"`, failure);
    }
    out.family('weft_route_tries_total', 'counter', 'Tries by route, retries included.');
    for (const { labels, tries } of all) out.sample('weft_route_tries_total', labels, tries);
    out.family('weft_route_duration_milliseconds', 'histogram', 'Time to the complete answer, by route.');
    for (const { labels, durationMs } of all)
      out.histogram('weft_route_duration_milliseconds', labels, durationMs);
  }
}
