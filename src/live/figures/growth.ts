import type { RequestSeries, TcpSeries } from '../../telemetry/index.ts';
import { type EdgeEnds, meaningOf, type SeriesMeaning } from './edge-key.ts';
import type { EdgeItem } from './item.ts';

/** What is read; a proxy's metrics have it. */
export interface CountedSeries {
  readonly requests: { values(): Iterable<RequestSeries> };
  readonly tcp: { values(): Iterable<TcpSeries> };
}

/** What was counted of one series when it was looked at last. */
interface Before {
  readonly meaning: SeriesMeaning;
  requests: number;
  sent: number;
  received: number;
  opened: number;
  readonly buckets: Float64Array;
}

/** An edge while it is added up. */
interface Sum {
  readonly ends: EdgeEnds;
  requests: number;
  failed: number;
  sent: number;
  received: number;
  opened: number;
  open: number;
  readonly buckets: Map<number, number>;
  readonly flags: Map<string, number>;
}

/**
 * What series have grown by since they were looked at last, added up by edge. What was counted before the first look is nobody's
 * business: it may be of yesterday. It holds something of each series, so there is one only while somebody asks.
 */
export class FiguresGrowth {
  readonly #series: CountedSeries;
  /** Series that have expired take theirs with them. */
  readonly #before = new WeakMap<object, Before>();
  #begun = false;

  constructor(series: CountedSeries) {
    this.#series = series;
    this.take();
    this.#begun = true;
  }

  /** Everything since the last time; edges without traffic and without open connections are left out. */
  take(): readonly EdgeItem[] {
    const sums = new Map<string, Sum>();
    for (const series of this.#series.requests.values()) this.#requests(series, sums);
    for (const series of this.#series.tcp.values()) this.#connections(series, sums);
    return [...sums.values()].map(itemOf);
  }

  #requests(series: RequestSeries, sums: Map<string, Sum>): void {
    const before = this.#of(series, series.labels, series.durationMs.counts.length);
    const requests = series.requests - before.requests;
    if (requests === 0) return;
    const { meaning } = before;
    const sum = this.#begun ? sumOf(sums, meaning) : undefined;
    const [sent, received] = [series.requestBytes.sum, series.responseBytes.sum];
    if (sum) {
      sum.requests += requests;
      if (meaning.failed) sum.failed += requests;
      sum.sent += sent - before.sent;
      sum.received += received - before.received;
      if (meaning.flag !== '') sum.flags.set(meaning.flag, (sum.flags.get(meaning.flag) ?? 0) + requests);
    }
    for (const [bucket, count] of series.durationMs.counts.entries()) {
      const grown = count - before.buckets[bucket]!;
      if (grown === 0) continue;
      sum?.buckets.set(bucket, (sum.buckets.get(bucket) ?? 0) + grown);
      before.buckets[bucket] = count;
    }
    before.requests = series.requests;
    before.sent = sent;
    before.received = received;
  }

  #connections(series: TcpSeries, sums: Map<string, Sum>): void {
    const before = this.#of(series, series.labels, 0);
    const open = series.opened - series.closed;
    const opened = series.opened - before.opened;
    // Telemetry counts as Istio does: sent is what went to the client.
    const [sent, received] = [series.receivedBytes, series.sentBytes];
    if (open === 0 && opened === 0 && sent === before.sent && received === before.received) return;
    if (this.#begun) {
      const { meaning } = before;
      const sum = sumOf(sums, meaning);
      sum.opened += opened;
      sum.open += open;
      sum.sent += sent - before.sent;
      sum.received += received - before.received;
      if (meaning.flag !== '' && opened > 0) {
        sum.flags.set(meaning.flag, (sum.flags.get(meaning.flag) ?? 0) + opened);
      }
    }
    before.opened = series.opened;
    before.sent = sent;
    before.received = received;
  }

  #of(series: object, labels: string, buckets: number): Before {
    let before = this.#before.get(series);
    if (before === undefined) {
      const meaning = meaningOf(labels);
      before = { meaning, requests: 0, sent: 0, received: 0, opened: 0, buckets: new Float64Array(buckets) };
      this.#before.set(series, before);
    }
    return before;
  }
}

function sumOf(sums: Map<string, Sum>, { key, ends }: SeriesMeaning): Sum {
  let sum = sums.get(key);
  if (sum === undefined) {
    const none = { requests: 0, failed: 0, sent: 0, received: 0, opened: 0, open: 0 };
    sum = { ends, ...none, buckets: new Map(), flags: new Map() };
    sums.set(key, sum);
  }
  return sum;
}

function itemOf({ ends, buckets, flags, ...counts }: Sum): EdgeItem {
  const counted = Object.fromEntries(Object.entries(counts).filter(([, value]) => value !== 0));
  return {
    ...ends,
    ...counted,
    ...(buckets.size > 0 && { buckets: [...buckets] }),
    ...(flags.size > 0 && { flags: Object.fromEntries(flags) }),
  };
}
