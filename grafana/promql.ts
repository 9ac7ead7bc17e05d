// The golden signals as PromQL over Istio's standard metrics. Written so that nothing that happens to be zero or absent is shown
// as NaN: where there is no traffic there is no value, and the panel says so in words; where there is traffic and no failure,
// failures are 0.

/** What a selection of requests says. `by`: labels to keep apart, `le` excluded. */
export interface Signals {
  /** Requests a second. */
  requests(by?: string): string;
  /** Requests answered with 5xx, a second; 0 where there are requests and none fails. */
  errors(by?: string): string;
  /** Share of requests not answered with 5xx, 0 to 1. */
  success(by?: string): string;
  /** A quantile of the time to the whole answer, in milliseconds. */
  latency(quantile: number, by?: string): string;
  /** Share of requests that came over mesh TLS, 0 to 1. */
  mutual(by?: string): string;
}

/** Over the time between two points of a graph, as Grafana chooses it. */
export const STEP = '$__rate_interval';
/** Over all the time that is shown. */
export const RANGE = '$__range';

/** `metric{a, b}`; empty matchers are left out. */
export function select(metric: string, ...matchers: readonly string[]): string {
  const text = matchers.filter(each => each !== '').join(', ');
  return text === '' ? metric : `${metric}{${text}}`;
}

/** `sum by (by) (rate(…))`. */
export function rate(metric: string, matchers: string, by = '', range = STEP): string {
  return `${sum(by)} (rate(${select(metric, matchers)}[${range}]))`;
}

/** `sum` or `sum by (by)`. */
export function sum(by = ''): string {
  return by === '' ? 'sum' : `sum by (${by})`;
}

/** Share of `part` in `whole`, 0 where there is none of it; no value where there is no whole. Both keep the same labels. */
export function share(part: string, whole: string): string {
  return `(${part} or 0 * ${whole}) / (${whole} > 0)`;
}

/** The signals of the requests that these matchers select. */
export function requestsWhere(matchers: string, range = STEP): Signals {
  const of = (more: string, by: string): string =>
    rate('istio_requests_total', [matchers, more].filter(Boolean).join(', '), by, range);
  const failing = 'response_code=~"5.."';
  return {
    requests: (by = '') => of('', by),
    errors: (by = '') => `${of(failing, by)} or 0 * ${of('', by)}`,
    success: (by = '') => `1 - ${share(of(failing, by), of('', by))}`,
    latency: (quantile, by = '') => {
      const buckets = rate(
        'istio_request_duration_milliseconds_bucket',
        matchers,
        by === '' ? 'le' : `le, ${by}`,
        range,
      );
      // A quantile of nothing is NaN, which no comparison keeps.
      return `histogram_quantile(${quantile}, ${buckets}) >= 0`;
    },
    mutual: (by = '') => share(of('connection_security_policy="mutual_tls"', by), of('', by)),
  };
}

/** TCP connections that are open: those opened less those closed. */
export function openConnections(matchers: string, by = ''): string {
  const metric = (end: string): string =>
    `${sum(by)} (${select(`istio_tcp_connections_${end}_total`, matchers)})`;
  return `${metric('opened')} - ${metric('closed')}`;
}

/** CPU seconds of proxies a second: under another name where the app has the usual one for itself. */
export function proxyCpu(matchers: string): string {
  const of = (prefix: string): string =>
    `rate(${select(`${prefix}process_cpu_seconds_total`, matchers)}[${STEP}])`;
  return `(${of('weft_proxy_')} or ${of('')})`;
}

/** Resident memory of proxies; as above. */
export function proxyMemory(matchers: string): string {
  const of = (prefix: string): string => select(`${prefix}process_resident_memory_bytes`, matchers);
  return `(${of('weft_proxy_')} or ${of('')})`;
}

/** Adds the label `workload` to something of proxies, and drops what is of no proxy that these matchers select. */
export function ofWorkload(expr: string, matchers: string): string {
  const whose = `max by (namespace, pod, workload) (${select('weft_workload_info', matchers)})`;
  return `${expr} * on (namespace, pod) group_left (workload) ${whose}`;
}

/** How busy the event loops are, 0 to 1. */
export function loopBusy(matchers: string, by = ''): string {
  const busy = rate(
    'weft_event_loop_seconds_total',
    [matchers, 'state="active"'].filter(Boolean).join(', '),
    by,
  );
  return `${busy} / (${rate('weft_event_loop_seconds_total', matchers, by)} > 0)`;
}
