// What issue 3 promises, checked against what a run found. A figure that was not measured in the run is not spoken of.
import type { ScenarioResult } from './results.ts';

/** One promise: `value` must not exceed `limit`. */
export interface Verdict {
  readonly promise: string;
  readonly value: number;
  readonly limit: number;
  readonly met: boolean;
}

type Find = (scenario: string, proxy: string, figure: string) => number | undefined;

interface Target {
  readonly promise: string;
  readonly value: (find: Find) => number | undefined;
  readonly limit: (find: Find) => number | undefined;
}

const weft =
  (scenario: string, figure: string) =>
  (find: Find): number | undefined =>
    find(scenario, 'weft', figure);
const cpu = 'cpu_us_per_request';
/** The streams of the scenarios that are judged; the others show how the cost changes with them. */
const [h2Hop, h2Path] = ['h2-hop-10', 'h2-path-10'];

const targets: readonly Target[] = [
  {
    promise: 'one plaintext hop: CPU per request at most 1.35 × HAProxy (µs)',
    value: weft('hop', cpu),
    // The median of the rounds' ratios rather than the ratio of the medians.
    limit: find => scaled(find, 'hop', 'haproxy', 1.35),
  },
  {
    promise: 'one plaintext hop: CPU per request below Envoy (µs)',
    value: weft('hop', cpu),
    limit: find => scaled(find, 'hop', 'envoy', 1),
  },
  {
    promise: 'full mTLS path: CPU per request below two Envoys (µs)',
    value: weft('path', cpu),
    limit: find => scaled(find, 'path', 'envoy', 1),
  },
  {
    promise: 'one hop of HTTP/2: CPU per request at most 1.35 × HAProxy (µs)',
    value: weft(h2Hop, cpu),
    limit: find => scaled(find, h2Hop, 'haproxy', 1.35),
  },
  {
    promise: 'one hop of HTTP/2: CPU per request below Envoy (µs)',
    value: weft(h2Hop, cpu),
    limit: find => scaled(find, h2Hop, 'envoy', 1),
  },
  {
    promise: 'full mTLS path of HTTP/2: CPU per request at most 0.6 × two Envoys (µs)',
    value: weft(h2Path, cpu),
    limit: find => scaled(find, h2Path, 'envoy', 0.6),
  },
  {
    promise: 'path at 1,000 requests/s: p99 added over direct at most 0.9 ms',
    value: weft('path-1000', 'added_p99_ms'),
    limit: () => 0.9,
  },
  {
    promise: 'path of HTTP/2 at 1,000 requests/s: p99 added over direct at most 0.9 ms',
    value: weft('h2-rate-1000', 'added_p99_ms'),
    limit: () => 0.9,
  },
  {
    promise: 'path at 1,000 requests/s: p99 added below two Envoys (ms)',
    value: weft('path-1000', 'added_p99_ms'),
    limit: find => find('path-1000', 'envoy', 'added_p99_ms'),
  },
  {
    promise: 'private memory ready and idle (MB)',
    value: weft('sidecar', 'idle_private_mb'),
    limit: () => 30,
  },
  {
    promise: 'private memory at 1,000 requests/s (MB)',
    value: weft('sidecar', 'load_private_mb'),
    limit: () => 45,
  },
  { promise: 'idle CPU (millicores)', value: weft('sidecar', 'idle_millicores'), limit: () => 5 },
  {
    promise: 'more memory with 10,000 services than with 10 (MB)',
    value: weft('mesh-size', 'grown_mb'),
    limit: () => 5,
  },
  { promise: 'start to ready (ms)', value: weft('start', 'ready_ms'), limit: () => 300 },
  {
    promise: '10,000 idle connections: memory of each (KB)',
    value: weft('idle-connections', 'private_kb_per_connection'),
    limit: () => 10,
  },
  {
    promise: 'endpoint change to all of 1,000 proxies, p99 (ms)',
    value: weft('discovery-1000', 'all_p99_ms'),
    limit: () => 250,
  },
];

/** What HAProxy or Envoy would have to use so that the median of the rounds' ratios is `factor`. */
function scaled(find: Find, scenario: string, peer: string, factor: number): number | undefined {
  const ratio = find(scenario, 'weft', `ratio:${peer}`);
  const own = find(scenario, 'weft', cpu);
  return ratio === undefined || own === undefined ? undefined : (own / ratio) * factor;
}

/** The verdict on each promise that this run can speak of. */
export function verdicts(results: readonly ScenarioResult[]): Verdict[] {
  const find: Find = (scenario, proxy, figure) => {
    const found = results
      .find(each => each.scenario === scenario)
      ?.proxies.find(each => each.proxy === proxy);
    return figure.startsWith('ratio:') ? found?.ratio[figure.slice(6)] : found?.figures[figure];
  };
  return targets.flatMap(target => {
    const value = target.value(find);
    const limit = target.limit(find);
    if (value === undefined || limit === undefined) return [];
    return [{ promise: target.promise, value, limit, met: value <= limit }];
  });
}

/** As a table. */
export function verdictTable(list: readonly Verdict[]): string {
  const lines = list.map(({ promise, value, limit, met }) => {
    return `${met ? 'met   ' : 'MISSED'}  ${promise.padEnd(68)} ${value.toFixed(2).padStart(9)}  of ${limit.toFixed(2)}`;
  });
  return ['\nthe figures to reach', ...lines].join('\n');
}
