// A query as a tool asks it, and what must come out.

/** What was really sent, counted by those who sent it and by the apps that answered; the truth that metrics are held to. */
export interface Facts {
  /** Pages: one request each to storefront, and from there to catalog, reviews and cart. */
  readonly pages: number;
  /** Orders to cart, answered 201. */
  readonly orders: number;
  /** Requests to cart for what it does not have, answered 404. */
  readonly missing: number;
  /** Requests to cart that it fails, answered 500. */
  readonly failed: number;
  /** Requests to cart from outside the mesh. */
  readonly visits: number;
  /** What each of both versions of reviews answered; every answer of v2 asks ratings once. */
  readonly reviews: Readonly<Record<'v1' | 'v2', number>>;
  /** Pods with a proxy. */
  readonly proxies: number;
}

/** Values by the labels that tell rows apart, joined by a space. */
export type Rows = Readonly<Record<string, number>>;

/** How a query reads a counter: `rate(x[10s])` as the tool does, or the counter itself. */
export type Over = (selector: string) => string;

/** One query of one tool. */
export interface ToolQuery {
  readonly tool: 'Istio mesh' | 'Istio service' | 'Istio workload' | 'Kiali' | 'Flagger' | 'Argo Rollouts';
  readonly what: string;
  /** The query in the shape of the tool. */
  readonly text: (over: Over) => string;
  /** Labels that tell its rows apart. */
  readonly by: readonly string[];
  /** All of its rows over the counters themselves, once traffic has ended; quantiles and bytes have `keys` instead. */
  readonly rows?: (facts: Facts) => Rows;
  /** The rows that it must have where values cannot be known. */
  readonly keys?: readonly string[];
  /** Its rate may be 0 while traffic runs, because connections are kept; the counters are not 0. */
  readonly mayRest?: boolean;
}

/** `sum(…) by (…)`. */
export const sumBy = (labels: readonly string[], inner: string): string =>
  labels.length === 0 ? `sum(${inner})` : `sum by (${labels.join(', ')}) (${inner})`;

/** The share of answers that are no 5xx. */
export function successRate(over: Over, selector: string, by: readonly string[] = []): string {
  const good = over(`istio_requests_total{${selector},response_code!~"5.."}`);
  return `${sumBy(by, good)} / ${sumBy(by, over(`istio_requests_total{${selector}}`))}`;
}

/** A quantile of a histogram of Istio's. */
export function quantile(
  over: Over,
  of: number,
  metric: string,
  selector: string,
  by: readonly string[] = [],
): string {
  return `histogram_quantile(${of}, ${sumBy(['le', ...by], over(`${metric}_bucket{${selector}}`))})`;
}
