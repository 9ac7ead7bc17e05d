import type { Exposition, Rendering } from './exposition.ts';
import type { MetricShapes } from './metric-shapes.ts';
import { overflowLabelText, type PeerLabels, peerLabelText, peerOf } from './peer-labels.ts';
import { type MetricLimits, SeriesBudget } from './series-budget.ts';

/** What gRPC calls between two peers move, counted as it goes by. */
export interface CallSeries {
  readonly labels: string;
  /** Whose share of the budget it is in. */
  readonly peer: string;
  /** Calls under way. */
  open: number;
  requestMessages: number;
  responseMessages: number;
  requestBytes: number;
  responseBytes: number;
  touchedMs: number;
  /** Dropped by `expire`; whoever holds it opens a new one. */
  expired: boolean;
}

const families: readonly [
  name: string,
  type: 'counter' | 'gauge',
  help: string,
  value: (series: CallSeries) => number,
][] = [
  [
    'istio_request_messages_total',
    'counter',
    'Messages of gRPC calls, from clients, counted as they come.',
    series => series.requestMessages,
  ],
  [
    'istio_response_messages_total',
    'counter',
    'Messages of gRPC calls, to clients, counted as they come.',
    series => series.responseMessages,
  ],
  [
    'weft_grpc_request_bytes_total',
    'counter',
    'Bytes of gRPC calls, from clients, counted as they come.',
    series => series.requestBytes,
  ],
  [
    'weft_grpc_response_bytes_total',
    'counter',
    'Bytes of gRPC calls, to clients, counted as they come.',
    series => series.responseBytes,
  ],
  ['weft_grpc_open_calls', 'gauge', 'gRPC calls under way, streams and others.', series => series.open],
];

/**
 * What moves in gRPC calls, while it does: the other request metrics count a call once it is over, which streams may
 * never be.
 */
export class CallMetrics {
  readonly #limits: MetricLimits;
  readonly #budget: SeriesBudget;
  readonly #series = new Map<string, CallSeries>();
  readonly #overflow = new Map<string, CallSeries>();
  #overflows = 0;

  constructor(limits: MetricLimits) {
    this.#limits = limits;
    this.#budget = new SeriesBudget(limits, families.length);
  }

  series(labels: PeerLabels): CallSeries {
    const text = peerLabelText(labels);
    const known = this.#series.get(text);
    if (known !== undefined) return known;
    const peer = peerOf(labels);
    const fits = this.#budget.take(text, peer);
    if (!fits) this.#overflows++;
    const [map, name] = fits ? [this.#series, text] : [this.#overflow, overflowLabelText(labels)];
    let series = map.get(name);
    if (series === undefined) {
      series = newSeries(name, peer);
      map.set(name, series);
    }
    return series;
  }

  /** How often there was no room for a series. */
  get overflows(): number {
    return this.#overflows;
  }

  /** Drops series without calls under way that have been idle for too long. */
  expire(nowMs: number): void {
    for (const [labels, series] of this.#series) {
      if (series.open > 0 || nowMs - series.touchedMs <= this.#limits.expireMs) continue;
      this.#series.delete(labels);
      this.#budget.give(labels, series.peer);
      series.expired = true;
    }
  }

  /** All series; for tests and the admin page. */
  *values(): Generator<CallSeries> {
    yield* this.#series.values();
    yield* this.#overflow.values();
  }

  *render(out: Exposition, shapes: MetricShapes | undefined): Rendering {
    if (this.#series.size === 0 && this.#overflow.size === 0) return;
    for (const [name, type, help, value] of families) {
      out.family(name, type, help);
      for (const [labels, count] of this.#counts(name, value, shapes)) {
        out.sample(name, labels, count);
        if (out.full) yield;
      }
    }
  }

  *#counts(
    name: string,
    value: (series: CallSeries) => number,
    shapes: MetricShapes | undefined,
  ): Iterable<readonly [labels: string, count: number]> {
    if (shapes !== undefined) yield* shapes.sums(name, this.values(), value);
    else for (const series of this.values()) yield [series.labels, value(series)];
  }
}

function newSeries(labels: string, peer: string): CallSeries {
  return {
    labels,
    peer,
    open: 0,
    requestMessages: 0,
    responseMessages: 0,
    requestBytes: 0,
    responseBytes: 0,
    touchedMs: 0,
    expired: false,
  };
}
