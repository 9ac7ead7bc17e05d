import type { EdgeItem, ProxyItem } from '../../live/figures/index.ts';
import type { UsedByProxies } from '../../model/index.ts';
import { BUCKETS } from '../../telemetry/index.ts';
import type { Signals } from '../contract.ts';

/** Requests of something, added up. */
export class RequestSum {
  requests = 0;
  failed = 0;
  readonly buckets = new Float64Array(BUCKETS.length + 1);

  add({ requests = 0, failed = 0, buckets = [] }: Pick<EdgeItem, 'requests' | 'failed' | 'buckets'>): void {
    this.requests += requests;
    this.failed += failed;
    for (const [bucket, count] of buckets) if (bucket < this.buckets.length) this.buckets[bucket]! += count;
  }

  merge(other: RequestSum): void {
    this.requests += other.requests;
    this.failed += other.failed;
    for (let at = 0; at < this.buckets.length; at++) this.buckets[at]! += other.buckets[at]!;
  }

  /** Over so many seconds. */
  signals(seconds: number): Signals {
    const [p50, p90, p99] = [this.#quantile(0.5), this.#quantile(0.9), this.#quantile(0.99)];
    return {
      rps: this.requests / seconds,
      errors: this.failed / seconds,
      ...(p50 !== undefined && { p50 }),
      ...(p90 !== undefined && { p90 }),
      ...(p99 !== undefined && { p99 }),
    };
  }

  /** As Prometheus' histogram_quantile: linear inside of a bucket, the last bound for what is above it. */
  #quantile(q: number): number | undefined {
    let total = 0;
    for (const count of this.buckets) total += count;
    if (total === 0) return undefined;
    let rank = q * total;
    for (const [at, count] of this.buckets.entries()) {
      if (rank > count || count === 0) {
        rank -= count;
        continue;
      }
      if (at >= BUCKETS.length) break;
      const from = at === 0 ? 0 : BUCKETS[at - 1]!;
      return from + (BUCKETS[at]! - from) * (rank / count);
    }
    return BUCKETS.at(-1)!;
  }
}

/** An edge of one side's counting, added up. */
export class EdgeSum extends RequestSum {
  readonly from: string;
  readonly to: string;
  readonly version: string;
  readonly service: string;
  readonly protocol: 'http' | 'tcp';
  readonly reporter: 'source' | 'destination';
  secured = 0;
  all = 0;
  sent = 0;
  received = 0;
  opened = 0;
  /** Open when it was said last, by who said it: the next word replaces it. */
  readonly open = new Map<string, number>();
  readonly flags = new Map<string, number>();

  constructor(ends: Pick<EdgeSum, 'from' | 'to' | 'version' | 'service' | 'protocol' | 'reporter'>) {
    super();
    this.from = ends.from;
    this.to = ends.to;
    this.version = ends.version;
    this.service = ends.service;
    this.protocol = ends.protocol;
    this.reporter = ends.reporter;
  }

  take(pod: string, item: EdgeItem): void {
    this.add(item);
    const { requests = 0, opened = 0, open = 0, sent = 0, received = 0, mtls, flags = {} } = item;
    const weight = requests + opened + open;
    this.all += weight;
    if (mtls) this.secured += weight;
    this.sent += sent;
    this.received += received;
    this.opened += opened;
    if (open > 0) this.open.set(`${pod} ${mtls}`, open);
    for (const [flag, many] of Object.entries(flags))
      this.flags.set(flag, (this.flags.get(flag) ?? 0) + many);
  }

  /** Adds what came later. */
  follow(later: EdgeSum): void {
    this.merge(later);
    this.secured += later.secured;
    this.all += later.all;
    this.sent += later.sent;
    this.received += later.received;
    this.opened += later.opened;
    this.open.clear();
    for (const [who, many] of later.open) this.open.set(who, many);
    for (const [flag, many] of later.flags) this.flags.set(flag, (this.flags.get(flag) ?? 0) + many);
  }
}

/** A pod, added up: several threads say theirs. */
export class PodSum {
  readonly inbound = new RequestSum();
  readonly outbound = new RequestSum();
  activeMs = 0;
  idleMs = 0;
  memoryBytes = 0;
  retries = 0;
  ejected = 0;
  waiting = 0;
  used: UsedByProxies | undefined;

  take({ activeMs, idleMs, memoryBytes, retries, ejected, waiting, used }: ProxyItem): void {
    this.activeMs += activeMs;
    this.idleMs += idleMs;
    this.memoryBytes = Math.max(this.memoryBytes, memoryBytes);
    this.retries += retries;
    this.ejected += ejected;
    this.waiting += waiting;
    this.used = used ?? this.used;
  }

  /** Adds what came later; of what is now the later counts. */
  follow(later: PodSum): void {
    this.inbound.merge(later.inbound);
    this.outbound.merge(later.outbound);
    this.activeMs += later.activeMs;
    this.idleMs += later.idleMs;
    this.retries += later.retries;
    this.memoryBytes = later.memoryBytes || this.memoryBytes;
    this.ejected = later.ejected;
    this.waiting = later.waiting;
    this.used = later.used ?? this.used;
  }

  /** Undefined where no thread has said it. */
  get busy(): number | undefined {
    const all = this.activeMs + this.idleMs;
    return all > 0 ? this.activeMs / all : undefined;
  }
}
