// From what proxies counted to golden signals of pods, workloads or Services: of what came in, as the callee's proxy saw it;
// where a callee is named, of what the rows sent there, as their own proxies did.
import type { MeshPod } from '../proxies/index.ts';
import { isFrom, isTo, type NamedEnd } from './ends.ts';
import { type Bucket, histogramQuantile } from './quantile.ts';
import { type Growth, growth, keyOf, type Scrapes } from './scrape.ts';

/** What the rows are. */
export const STAT_KINDS = ['pods', 'workloads', 'services'] as const;

/** One of STAT_KINDS. */
export type StatKind = (typeof STAT_KINDS)[number];

/** A row, as `-o json` prints it. What there is no figure for, because nothing came in, is left out. */
export interface Traffic {
  readonly namespace: string;
  readonly name: string;
  /** Proxies that it was counted by. */
  readonly proxies: number;
  readonly requestsPerSecond: number;
  /** 0 to 1: all but 5xx, as the dashboards have it. */
  readonly successRate?: number;
  readonly p50Ms?: number;
  readonly p95Ms?: number;
  readonly p99Ms?: number;
  /** Open now. */
  readonly tcpConnections: number;
  readonly tcpOpenedPerSecond: number;
  /** 0 to 1: of requests; where there were none, of open TCP connections. */
  readonly mutualTls?: number;
}

/** Everything that `weft stat` tells. */
export interface TrafficTable {
  readonly rows: readonly Traffic[];
  /** Pods without figures, and why. */
  readonly troubles: readonly { readonly pod: string; readonly message: string }[];
}

class Sum {
  readonly pods = new Set<string>();
  requests = 0;
  failed = 0;
  secured = 0;
  readonly buckets = new Map<number, number>();
  open = 0;
  openSecured = 0;
  opened = 0;

  add({ name, labels, value, rate }: Growth): void {
    const secured = isSecured(labels);
    if (name === 'istio_requests_total') {
      this.requests += rate;
      if (/^5..$/.test(labels.response_code ?? '')) this.failed += rate;
      if (secured) this.secured += rate;
    } else if (name === 'istio_request_duration_milliseconds_bucket') {
      const le = labels.le === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels.le);
      this.buckets.set(le, (this.buckets.get(le) ?? 0) + rate);
    } else if (name.startsWith('istio_tcp_connections_')) {
      const isOpened = name === 'istio_tcp_connections_opened_total';
      const change = isOpened ? value : -value;
      this.open += change;
      if (secured) this.openSecured += change;
      if (isOpened) this.opened += rate;
    }
  }

  row(namespace: string, name: string): Traffic {
    const buckets: Bucket[] = [...this.buckets].map(([le, count]) => ({ le, count }));
    const [p50Ms, p95Ms, p99Ms] = [0.5, 0.95, 0.99].map(q => histogramQuantile(q, buckets));
    const [secured, all] = this.requests > 0 ? [this.secured, this.requests] : [this.openSecured, this.open];
    return {
      ...{ namespace, name, proxies: this.pods.size, requestsPerSecond: this.requests },
      ...(this.requests > 0 && { successRate: 1 - this.failed / this.requests }),
      ...(Number.isFinite(p50Ms) && { p50Ms: p50Ms!, p95Ms: p95Ms!, p99Ms: p99Ms! }),
      ...{ tcpConnections: Math.max(0, this.open), tcpOpenedPerSecond: this.opened },
      ...(all > 0 && { mutualTls: secured / all }),
    };
  }
}

/** A caller's proxy leaves the policy to the callee's, as Istio's does; whom it has proven it tells all the same. */
function isSecured({ reporter, connection_security_policy: policy, ...labels }: Growth['labels']): boolean {
  if (reporter !== 'source') return policy === 'mutual_tls';
  return labels.destination_principal !== undefined && labels.destination_principal !== 'unknown';
}

/** Of which requests and connections figures are; all that came in where neither is there. */
export interface TrafficEnds {
  /** Only of what came from it. */
  readonly from?: NamedEnd;
  /** Only of what the rows sent to it. */
  readonly to?: NamedEnd;
}

/** The rows of `kind`, by namespace and name. */
export function trafficOf(
  kind: StatKind,
  pods: readonly MeshPod[],
  before: Scrapes,
  after: Scrapes,
  { from, to }: TrafficEnds = {},
): TrafficTable {
  const sums = new Map<string, Sum>();
  const troubles: { pod: string; message: string }[] = [];
  const sumOf = (pod: MeshPod, namespace: string, name: string): Sum => {
    const key = `${namespace}/${name}`;
    const sum = sums.get(key) ?? new Sum();
    sums.set(key, sum);
    sum.pods.add(keyOf(pod));
    return sum;
  };
  for (const pod of pods) {
    const key = keyOf(pod);
    const grown = growth(before.get(key), after.get(key));
    if (typeof grown === 'string') {
      troubles.push({ pod: key, message: grown });
      continue;
    }
    const workload = grown.find(({ name }) => name === 'weft_workload_info')?.labels.workload;
    // Who has had no request has a row too.
    if (kind !== 'services') sumOf(pod, pod.namespace, kind === 'pods' ? pod.name : workload || pod.name);
    for (const each of grown) {
      const {
        reporter,
        destination_service_name: service,
        destination_service_namespace: where,
      } = each.labels;
      if (reporter !== (to === undefined ? 'destination' : 'source')) continue;
      if ((from && !isFrom(from, each.labels)) || (to && !isTo(to, each.labels))) continue;
      if (kind === 'services') sumOf(pod, where ?? 'unknown', service ?? 'unknown').add(each);
      else sumOf(pod, pod.namespace, kind === 'pods' ? pod.name : workload || pod.name).add(each);
    }
  }
  const rows = [...sums]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, sum]) => sum.row(key.slice(0, key.indexOf('/')), key.slice(key.indexOf('/') + 1)));
  return { rows, troubles };
}
