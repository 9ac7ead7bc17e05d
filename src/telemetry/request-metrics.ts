import type { Flag } from '../errors/index.ts';
import { FLAGS } from '../errors/index.ts';
import { CallMetrics, type CallSeries } from './call-metrics.ts';
import type { Exposition, Rendering } from './exposition.ts';
import { BUCKETS, Histogram } from './histogram.ts';
import { keyOfTags, type MetricShapes, NO_TAGS, overflowTags, type SeriesTags } from './metric-shapes.ts';
import { mergeLabels, overflowLabelText, type PeerLabels, peerLabelText, peerOf } from './peer-labels.ts';
import { OVERFLOW } from './peer-names.ts';
import { DEFAULT_METRIC_LIMITS, type MetricLimits, SeriesBudget } from './series-budget.ts';

/** `grpcStatus` of what is no gRPC call, or ended without one. */
const NO_STATUS = -1;

/** One combination of labels of istio_requests_total and its histograms. Plain numbers; rendered when scraped. */
export interface RequestSeries {
  readonly labels: string;
  /** Of tags that differ by request. */
  readonly tags: SeriesTags;
  /** Whose share of the budget it is in. */
  readonly peer: string;
  requests: number;
  readonly durationMs: Histogram;
  readonly requestBytes: Histogram;
  readonly responseBytes: Histogram;
  /** When it last counted, for expiry. */
  touchedMs: number;
  /** Dropped by `expire`; whoever holds it opens a new one. */
  expired: boolean;
}

const flagIds = new Map<string, number>([
  ['', 0],
  ...Object.keys(FLAGS).map((flag, i): [string, number] => [flag, i + 1]),
]);

/**
 * The series of one pair of peers, by status and flag. Reached through the endpoint or connection, never looked up per request.
 */
export class PeerRequests {
  readonly #owner: RequestMetrics;
  readonly #labels: PeerLabels;
  readonly #peer: string;
  readonly #series = new Map<number, RequestSeries>();
  #lastKey = -1;
  #last: RequestSeries | undefined;
  #calls: PeerRequests | undefined;
  #moving: CallSeries | undefined;

  constructor(owner: RequestMetrics, labels: PeerLabels) {
    this.#owner = owner;
    this.#labels = labels;
    this.#peer = peerLabelText(labels);
  }

  /** The same for gRPC calls: request_protocol="grpc". */
  get calls(): PeerRequests {
    this.#calls ??= new PeerRequests(this.#owner, { ...this.#labels, protocol: 'grpc' });
    return this.#calls;
  }

  /** Of `calls`: what they move while they are under way. */
  get moving(): CallSeries {
    if (this.#moving === undefined || this.#moving.expired)
      this.#moving = this.#owner.calls.series(this.#labels);
    return this.#moving;
  }

  /** The series to count an exchange in. `status` 0 for one that got none. `grpcStatus`: of calls; -1 for none. */
  series(status: number, flag: Flag | '', grpcStatus = NO_STATUS): RequestSeries {
    const key = ((grpcStatus + 1) * 1024 + status) * 64 + flagIds.get(flag)!;
    if (key === this.#lastKey && !this.#last!.expired) return this.#last!;
    let series = this.#series.get(key);
    if (series === undefined || series.expired) {
      series = this.#owner.open(this.#peer, status, flag, this.#labels, NO_TAGS, grpcStatus);
      this.#series.set(key, series);
    }
    this.#lastKey = key;
    this.#last = series;
    return series;
  }

  /** The same where tags differ by request: looked up each time, so that clients who choose them fill no cache. */
  tagged(status: number, flag: Flag | '', tags: SeriesTags, grpcStatus = NO_STATUS): RequestSeries {
    return tags === NO_TAGS
      ? this.series(status, flag, grpcStatus)
      : this.#owner.open(this.#peer, status, flag, this.#labels, tags, grpcStatus);
  }
}

/** A counter and three histograms. */
const linesPerSeries = 1 + 3 * (BUCKETS.length + 3);
/** Series of what there is no room for are few by nature; beyond this they do not tell flags apart either. */
const maxOverflowSeries = 64;

/** Every request series of a proxy. */
export class RequestMetrics {
  readonly #limits: MetricLimits;
  readonly #budget: SeriesBudget;
  /** What moves in gRPC calls. */
  readonly calls: CallMetrics;
  readonly #series = new Map<string, RequestSeries>();
  readonly #overflow = new Map<string, RequestSeries>();
  #overflows = 0;
  /** How series are shown, where that is otherwise than they are counted. */
  shapes: MetricShapes | undefined = undefined;

  constructor(limits: MetricLimits = DEFAULT_METRIC_LIMITS) {
    this.#limits = limits;
    this.#budget = new SeriesBudget(limits, linesPerSeries);
    this.calls = new CallMetrics(limits);
  }

  /**
   * The series with these labels, made when there is none and room for it. `of`: the same, for the series of what has no room.
   */
  open(
    peer: string,
    status: number,
    flag: Flag | '',
    of: PeerLabels,
    tags: SeriesTags = NO_TAGS,
    grpcStatus = NO_STATUS,
  ): RequestSeries {
    const labels = mergeLabels(peer, outcome(String(status), flag, grpcStatus));
    const key = keyOfTags(labels, tags);
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    const owner = peerOf(of);
    if (!this.#budget.take(key, owner))
      return this.#openOverflow(status, flag, of, overflowTags(tags), grpcStatus);
    const series = newSeries(labels, owner, tags);
    this.#series.set(key, series);
    return series;
  }

  /** Drops what has been idle for too long. Called now and then, with the time that `touchedMs` is measured in. */
  expire(nowMs: number): void {
    for (const [key, series] of this.#series) {
      if (nowMs - series.touchedMs <= this.#limits.expireMs) continue;
      this.#series.delete(key);
      this.#budget.give(key, series.peer);
      series.expired = true;
    }
    this.calls.expire(nowMs);
    // Whoever counts there asks again, for there may be room now; what was counted stays.
    for (const [labels, series] of this.#overflow) {
      this.#overflow.set(labels, { ...series });
      series.expired = true;
    }
  }

  /** How often there was no room for a series. */
  get overflows(): number {
    return this.#overflows;
  }

  get size(): number {
    return this.#series.size + this.#overflow.size;
  }

  /** All series; for tests and the admin page. */
  *values(): Generator<RequestSeries> {
    yield* this.#series.values();
    yield* this.#overflow.values();
  }

  *render(out: Exposition): Rendering {
    out.family(
      'istio_requests_total',
      'counter',
      'Requests and their answers, by peer, status and response flag.',
    );
    for (const [labels, requests] of this.#counts()) {
      out.sample('istio_requests_total', labels, requests);
      if (out.full) yield;
    }
    for (const [name, help, histogram] of histograms) {
      out.family(name, 'histogram', help);
      for (const [labels, counted] of this.#histograms(name, histogram)) {
        out.histogram(name, labels, counted);
        if (out.full) yield;
      }
    }
    yield* this.calls.render(out, this.shapes);
    out.family('weft_metric_series', 'gauge', 'Request series held.');
    out.sample('weft_metric_series', '', this.size);
  }

  *#counts(): Iterable<readonly [labels: string, requests: number]> {
    if (this.shapes !== undefined)
      yield* this.shapes.sums('istio_requests_total', this.values(), each => each.requests);
    else for (const { labels, requests } of this.values()) yield [labels, requests];
  }

  *#histograms(
    name: string,
    of: (series: RequestSeries) => Histogram,
  ): Iterable<readonly [labels: string, counted: Histogram]> {
    if (this.shapes !== undefined) yield* this.shapes.histograms(name, this.values(), of);
    else for (const series of this.values()) yield [series.labels, of(series)];
  }

  #openOverflow(
    status: number,
    flag: Flag | '',
    of: PeerLabels,
    tags: SeriesTags,
    grpcStatus: number,
  ): RequestSeries {
    this.#overflows++;
    const peer = overflowLabelText(of);
    // The class alone: an upstream that means harm has 900 statuses. `5xx` is still found by `5..`.
    const code = status === 0 ? '0' : `${Math.trunc(status / 100)}xx`;
    // The same of gRPC, which has seventeen.
    const known = grpcStatus <= lastStatus ? grpcStatus : UNKNOWN;
    let labels = mergeLabels(peer, outcome(code, flag, known));
    if (!this.#overflow.has(labels) && this.#overflow.size >= maxOverflowSeries)
      labels = mergeLabels(peer, outcome(code, OVERFLOW, known < 0 ? known : UNKNOWN));
    let series = this.#overflow.get(labels);
    if (series === undefined) {
      series = newSeries(labels, '', tags);
      this.#overflow.set(labels, series);
    }
    return series;
  }
}

const histograms: readonly [name: string, help: string, of: (series: RequestSeries) => Histogram][] = [
  [
    'istio_request_duration_milliseconds',
    'From the first byte of a request to the last byte of its answer.',
    series => series.durationMs,
  ],
  ['istio_request_bytes', 'Bytes of request bodies.', series => series.requestBytes],
  ['istio_response_bytes', 'Bytes of response bodies.', series => series.responseBytes],
];

/** Of gRPC's own statuses, and the one for what it does not know. */
const lastStatus = 16;
const UNKNOWN = 2;

function outcome(code: string, flag: string, grpcStatus: number): string {
  const text = `response_code="${code}",response_flags="${flag === '' ? '-' : flag}"`;
  return grpcStatus < 0 ? text : `${text},grpc_response_status="${grpcStatus}"`;
}

function newSeries(labels: string, peer: string, tags: SeriesTags): RequestSeries {
  return {
    labels,
    tags,
    peer,
    requests: 0,
    durationMs: new Histogram(),
    requestBytes: new Histogram(),
    responseBytes: new Histogram(),
    touchedMs: 0,
    expired: false,
  };
}
