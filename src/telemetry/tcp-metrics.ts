import type { Flag } from '../errors/index.ts';
import type { Exposition, Rendering } from './exposition.ts';
import { keyOfTags, type MetricShapes, NO_TAGS, overflowTags, type SeriesTags } from './metric-shapes.ts';
import { mergeLabels, overflowLabelText, type PeerLabels, peerLabelText, peerOf } from './peer-labels.ts';
import { DEFAULT_METRIC_LIMITS, type MetricLimits, SeriesBudget } from './series-budget.ts';

/** One combination of labels of the istio_tcp_* metrics. */
export interface TcpSeries {
  readonly labels: string;
  /** What Telemetry objects set on it; undefined where nothing. */
  readonly tags?: SeriesTags;
  /** Whose share of the budget it is in. */
  readonly peer?: string;
  opened: number;
  closed: number;
  /** From the server to the client, as Istio counts. */
  sentBytes: number;
  receivedBytes: number;
  touchedMs: number;
}

const families: readonly [name: string, help: string, value: (series: TcpSeries) => number][] = [
  ['istio_tcp_connections_opened_total', 'Connections opened.', series => series.opened],
  ['istio_tcp_connections_closed_total', 'Connections closed.', series => series.closed],
  ['istio_tcp_sent_bytes_total', 'Bytes sent to clients.', series => series.sentBytes],
  ['istio_tcp_received_bytes_total', 'Bytes received from clients.', series => series.receivedBytes],
];

/** Every TCP series of a proxy; looked up once per connection. */
export class TcpMetrics {
  readonly #limits: MetricLimits;
  readonly #budget: SeriesBudget;
  readonly #series = new Map<string, TcpSeries>();
  /** Of what there is no room for: one for each way a connection can end and be protected. */
  readonly #overflow = new Map<string, TcpSeries>();
  #overflows = 0;
  /** See RequestMetrics.shapes. */
  shapes: MetricShapes | undefined = undefined;

  constructor(limits: MetricLimits = DEFAULT_METRIC_LIMITS) {
    this.#limits = limits;
    this.#budget = new SeriesBudget(limits, families.length);
  }

  series(labels: PeerLabels, flag: Flag | '', tags: SeriesTags = NO_TAGS): TcpSeries {
    const end = `response_flags="${flag === '' ? '-' : flag}"`;
    const text = mergeLabels(peerLabelText(labels), end);
    const key = keyOfTags(text, tags);
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    const peer = peerOf(labels);
    if (this.#budget.take(key, peer)) return opened(this.#series, key, text, peer, tags);
    this.#overflows++;
    const name = mergeLabels(overflowLabelText(labels), end);
    const told = overflowTags(tags);
    const overflow = keyOfTags(name, told);
    return this.#overflow.get(overflow) ?? opened(this.#overflow, overflow, name, peer, told);
  }

  /** How often there was no room for a series. */
  get overflows(): number {
    return this.#overflows;
  }

  /** Drops series without open connections that have been idle for too long. */
  expire(nowMs: number): void {
    for (const [key, series] of this.#series) {
      if (series.opened !== series.closed || nowMs - series.touchedMs <= this.#limits.expireMs) continue;
      this.#series.delete(key);
      this.#budget.give(key, series.peer);
    }
  }

  /** All series; for tests and the admin page. */
  *values(): Generator<TcpSeries> {
    yield* this.#series.values();
    yield* this.#overflow.values();
  }

  *#counts(
    name: string,
    value: (series: TcpSeries) => number,
  ): Iterable<readonly [labels: string, count: number]> {
    if (this.shapes !== undefined) yield* this.shapes.sums(name, this.values(), value);
    else for (const series of this.values()) yield [series.labels, value(series)];
  }

  *render(out: Exposition): Rendering {
    for (const [name, help, value] of families) {
      out.family(name, 'counter', help);
      for (const [labels, count] of this.#counts(name, value)) {
        out.sample(name, labels, count);
        if (out.full) yield;
      }
    }
  }
}

function opened(
  map: Map<string, TcpSeries>,
  key: string,
  labels: string,
  peer: string | undefined,
  tags: SeriesTags,
): TcpSeries {
  const counts = { opened: 0, closed: 0, sentBytes: 0, receivedBytes: 0, touchedMs: 0 };
  const series: TcpSeries = {
    labels,
    ...(tags !== NO_TAGS && { tags }),
    ...(peer !== undefined && { peer }),
    ...counts,
  };
  map.set(key, series);
  return series;
}
