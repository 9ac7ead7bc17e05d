import { growing, type RecordingCase, type SeriesTable, series } from './case.ts';

const cart = { destination_service_namespace: 'shop', destination_service_name: 'cart' };
const workload = { destination_workload_namespace: 'shop', destination_workload: 'cart-v1' };
const request = (labels: Readonly<Record<string, string>>, name = 'istio_requests_total'): string =>
  series(name, { ...cart, ...workload, ...labels });

/**
 * Two a second, one in eight of which fails; seen by the caller's proxy and by the callee's, and one a second from outside the
 * mesh.
 */
const traffic: SeriesTable = {
  [request({ reporter: 'source', connection_security_policy: 'mutual_tls', response_code: '200' })]:
    growing(105),
  [request({ reporter: 'source', connection_security_policy: 'mutual_tls', response_code: '503' })]:
    growing(15),
  [request({ reporter: 'destination', connection_security_policy: 'mutual_tls', response_code: '200' })]:
    growing(105),
  [request({ reporter: 'destination', connection_security_policy: 'mutual_tls', response_code: '503' })]:
    growing(15),
  [request({ reporter: 'destination', connection_security_policy: 'none', response_code: '200' })]:
    growing(60),
  [request({ reporter: 'source', destination_service_name: 'unknown', response_code: '200' })]: growing(60),
};
const idle: SeriesTable = { [request({ reporter: 'source', response_code: '200' })]: '5+0x60' };

/** All between 10 and 25 ms, and as many between 25 and 50. */
const latencies: SeriesTable = Object.fromEntries(
  [
    ['10', 0],
    ['25', 60],
    ['50', 120],
    ['+Inf', 120],
  ].map(([le, perMinute]) => [
    request({ reporter: 'source', le: String(le) }, 'istio_request_duration_milliseconds_bucket'),
    growing(Number(perMinute)),
  ]),
);

const at = (
  record: string,
  name: string,
  table: SeriesTable,
  samples: RecordingCase['samples'],
  atMinutes = 30,
): RecordingCase => ({ record, name, series: table, samples, atMinutes });

const windows = ['5m', '30m', '1h', '2h', '6h', '1d', '3d'];

/** Every recording: its value, by hand. */
export const recordingCases: readonly RecordingCase[] = [
  at('weft:availability:objective', 'three nines', {}, [{ labels: {}, value: 0.999 }]),
  at('service:weft_requests:rate5m', 'each request once', traffic, [{ labels: cart, value: 3 }]),
  at('service:weft_failures:rate5m', 'what the callers saw fail', traffic, [{ labels: cart, value: 0.25 }]),
  at('service:weft_failures:rate5m', 'nothing failed, which is 0', idle, [{ labels: cart, value: 0 }]),
  ...windows.map(window =>
    at(`service:weft_failure_ratio:rate${window}`, 'a twelfth failed', traffic, [
      { labels: cart, value: 0.083 },
    ]),
  ),
  at('service:weft_failure_ratio:rate1h', 'nobody asked, which has no ratio', idle, []),
  at('service:weft_request_duration_milliseconds:p50_rate5m', 'the bound between both halves', latencies, [
    { labels: cart, value: 25 },
  ]),
  at('service:weft_request_duration_milliseconds:p90_rate5m', 'in the second half', latencies, [
    { labels: cart, value: 45 },
  ]),
  at('service:weft_request_duration_milliseconds:p99_rate5m', 'near its end', latencies, [
    { labels: cart, value: 49.5 },
  ]),
  at('workload:weft_requests:rate5m', 'what its proxies let in', traffic, [{ labels: workload, value: 3 }]),
  at('workload:weft_failures:rate5m', 'what it failed itself', traffic, [{ labels: workload, value: 0.25 }]),
  at('namespace:weft_mutual_tls:ratio_rate5m', 'two thirds', traffic, [
    { labels: { destination_workload_namespace: 'shop' }, value: 0.667 },
  ]),
];
