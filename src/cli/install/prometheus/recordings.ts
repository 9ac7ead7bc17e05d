// What is kept under names of its own: each Service's golden signals as its callers see them, and each workload's as it sees them
// itself.
import type { Recording, RuleGroup } from './rule.ts';

/** What a Service is in labels. */
const SERVICE = 'destination_service_namespace, destination_service_name';
const WORKLOAD = 'destination_workload_namespace, destination_workload';

/** Hosts outside, and what there was no room for, are no Service of anybody's. */
const named = 'destination_service_name!~"unknown|overflow|PassthroughCluster"';

/**
 * Every request once, as whoever sent it saw it: by the proxy of the caller or, where the caller has none, by the proxy of the
 * callee. A caller whose proxy was told to speak plaintext counts twice, in requests and failures alike.
 */
function asCallersSee(metric: string, more = ''): string {
  const rate = (selector: string) => `rate(${metric}{${selector},${named}${more}}[5m])`;
  return `${rate('reporter="source"')} or ${rate('reporter="destination",connection_security_policy="none"')}`;
}

/** Statuses that are the server's fault; `5xx` is what series that found no room say. */
const failed = ',response_code=~"5.."';

const requests = 'service:weft_requests:rate5m';
const failures = 'service:weft_failures:rate5m';

/** The windows of the error-budget alerts. */
export const WINDOWS = ['5m', '30m', '1h', '2h', '6h', '1d', '3d'] as const;
/** How long something is looked back at. */
export type Window = (typeof WINDOWS)[number];

/**
 * The share of requests that may not fail, which is one minus the error budget. Change it here, in one place, for your own
 * promise.
 */
export const OBJECTIVE = 'weft:availability:objective';

/** The share of a Service's requests that failed within a window. */
export const failureRatio = (window: Window): string => `service:weft_failure_ratio:rate${window}`;

function ratioOver(window: Window): Recording {
  const over = (series: string) => (window === '5m' ? series : `sum_over_time(${series}[${window}])`);
  // What nobody asked has no ratio.
  return { record: failureRatio(window), expr: `${over(failures)} / (${over(requests)} > 0)` };
}

function quantile(of: number): Recording {
  const buckets = asCallersSee('istio_request_duration_milliseconds_bucket');
  return {
    record: `service:weft_request_duration_milliseconds:p${of * 100}_rate5m`,
    expr: `histogram_quantile(${of}, sum by (${SERVICE}, le) (${buckets}))`,
  };
}

function ofWorkload(more: string): string {
  return `sum by (${WORKLOAD}) (rate(istio_requests_total{reporter="destination"${more}}[5m]))`;
}

/** Groups of recordings, those that others are made of first. */
export const recordings: readonly RuleGroup[] = [
  {
    name: 'weft-services',
    rules: [
      { record: OBJECTIVE, expr: 'vector(0.999)' },
      { record: requests, expr: `sum by (${SERVICE}) (${asCallersSee('istio_requests_total')})` },
      {
        record: failures,
        // A Service that fails nothing has a series too, which says 0.
        expr: `sum by (${SERVICE}) (${asCallersSee('istio_requests_total', failed)}) or ${requests} * 0`,
      },
      ...WINDOWS.map(ratioOver),
      ...[0.5, 0.9, 0.99].map(quantile),
    ],
  },
  {
    name: 'weft-workloads',
    rules: [
      { record: 'workload:weft_requests:rate5m', expr: ofWorkload('') },
      {
        record: 'workload:weft_failures:rate5m',
        expr: `${ofWorkload(failed)} or workload:weft_requests:rate5m * 0`,
      },
      {
        record: 'namespace:weft_mutual_tls:ratio_rate5m',
        expr:
          'sum by (destination_workload_namespace) (rate(istio_requests_total{reporter="destination",connection_security_policy="mutual_tls"}[5m]))' +
          ' / (sum by (destination_workload_namespace) (rate(istio_requests_total{reporter="destination"}[5m])) > 0)',
      },
    ],
  },
];
