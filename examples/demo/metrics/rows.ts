import type { DemoPod } from '../mesh.interface.ts';
import { type Growth, gauge, type Match, quantile, type Scrape } from './growth.ts';
import { METRICS, MUTUAL } from './names.ts';
import type { Sample } from './prometheus.ts';

/** One line of the table. Undefined where nothing was measured. */
export interface Row {
  readonly kind: 'workload' | 'pod';
  readonly name: string;
  /** Of the pods of a workload row: how many are ready, of how many. */
  readonly ready: readonly [number, number];
  /** Requests a second; for TCP workloads connections opened a second. */
  readonly perSecond: number;
  readonly unit: 'requests' | 'connections';
  /** Share of requests answered below 500, 0 to 1. */
  readonly success: number | undefined;
  readonly p50: number | undefined;
  readonly p95: number | undefined;
  readonly p99: number | undefined;
  /** Share that came over mesh TLS, 0 to 1. */
  readonly mtls: number | undefined;
  /** Tries beside the first that this proxy made towards others, since the beginning. */
  readonly retries: number;
  /** Endpoints this proxy has out of rotation now, and how often it took one out since the beginning. */
  readonly ejectedNow: number;
  readonly ejections: number;
}

/**
 * Rows for every meshed pod, each workload's row before those of its pods, workloads and pods by name. What a workload
 * receives is read on its own proxies (reporter destination); for one that only sends, what it sends (source).
 * `recent` is the growth over the last moments, `latest` the scrape it ends with.
 */
export function rowsOf(pods: readonly DemoPod[], recent: Growth, latest: Scrape): Row[] {
  const rows: Row[] = [];
  const workloads = new Map<string, DemoPod[]>();
  for (const pod of pods) {
    if (!pod.meshed) continue;
    const members = workloads.get(pod.workload);
    if (members) members.push(pod);
    else workloads.set(pod.workload, [pod]);
  }
  for (const [workload, members] of [...workloads].sort(([a], [b]) => a.localeCompare(b))) {
    members.sort((a, b) => a.name.localeCompare(b.name));
    rows.push(rowOf('workload', workload, members, recent, latest));
    for (const pod of members) rows.push(rowOf('pod', pod.name, [pod], recent, latest));
  }
  return rows;
}

/** All meshed pods as one row, for the foot of the table. */
export function totalOf(pods: readonly DemoPod[], recent: Growth, latest: Scrape): Row {
  const meshed = pods.filter(pod => pod.meshed);
  return rowOf('workload', 'all', meshed, recent, latest);
}

function rowOf(
  kind: Row['kind'],
  name: string,
  pods: readonly DemoPod[],
  recent: Growth,
  latest: Scrape,
): Row {
  const collect = (series: string, match: Match) =>
    pods.flatMap(pod => recent.series(series, match, pod.name));
  let requests = collect(METRICS.requests, { reporter: 'destination' });
  let durations = collect(METRICS.duration, { reporter: 'destination' });
  let connections = collect(METRICS.tcpOpened, { reporter: 'destination' });
  if (total(requests) === 0 && total(connections) === 0) {
    requests = collect(METRICS.requests, { reporter: 'source' });
    durations = collect(METRICS.duration, { reporter: 'source' });
    connections = collect(METRICS.tcpOpened, { reporter: 'source' });
  }
  const isTcp = total(requests) === 0 && total(connections) > 0;
  const carried = isTcp ? connections : requests;
  const ever = (series: string) => pods.reduce((sum, pod) => sum + gauge(latest, series, {}, pod.name), 0);
  return {
    kind,
    name,
    ready: [pods.filter(pod => pod.ready).length, pods.length],
    perSecond: recent.seconds > 0 ? total(carried) / recent.seconds : 0,
    unit: isTcp ? 'connections' : 'requests',
    success: isTcp ? undefined : share(requests, isSuccess),
    p50: quantile(durations, 0.5),
    p95: quantile(durations, 0.95),
    p99: quantile(durations, 0.99),
    mtls: share(carried, labels => labels.connection_security_policy === MUTUAL),
    retries: ever(METRICS.retries),
    ejectedNow: ever(METRICS.ejectedNow),
    ejections: ever(METRICS.ejections),
  };
}

/** Below 500; 0 stands for no answer at all. */
function isSuccess({ response_code: code = '' }: Sample['labels']): boolean {
  return Number(code) >= 100 && Number(code) < 500;
}

function total(samples: readonly Sample[]): number {
  return samples.reduce((sum, sample) => sum + sample.value, 0);
}

function share(
  samples: readonly Sample[],
  wanted: (labels: Sample['labels']) => boolean,
): number | undefined {
  const all = total(samples);
  if (all === 0) return undefined;
  return total(samples.filter(sample => wanted(sample.labels))) / all;
}
