import type { Flag } from '../errors/index.ts';
import { FLAGS } from '../errors/index.ts';
import type { Exposition } from './exposition.ts';
import { Histogram } from './histogram.ts';
import { mergeLabels, type PeerLabels, peerLabelText } from './peer-labels.ts';

/** One combination of labels of istio_requests_total and its histograms. Plain numbers; rendered when scraped. */
export interface RequestSeries {
  readonly labels: string;
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

/** The series of one pair of peers, by status and flag. Reached through the endpoint or connection, never looked up per request. */
export class PeerRequests {
  readonly #owner: RequestMetrics;
  readonly #peer: string;
  readonly #series = new Map<number, RequestSeries>();
  #lastKey = -1;
  #last: RequestSeries | undefined;

  constructor(owner: RequestMetrics, labels: PeerLabels) {
    this.#owner = owner;
    this.#peer = peerLabelText(labels);
  }

  /** The series to count an exchange in. `status` 0 for one that got none. */
  series(status: number, flag: Flag | ''): RequestSeries {
    const key = status * 64 + flagIds.get(flag)!;
    if (key === this.#lastKey && !this.#last!.expired) return this.#last!;
    let series = this.#series.get(key);
    if (series === undefined || series.expired) {
      series = this.#owner.open(this.#peer, status, flag);
      this.#series.set(key, series);
    }
    this.#lastKey = key;
    this.#last = series;
    return series;
  }
}

/** Bounds of the metrics of one proxy. */
export interface MetricLimits {
  /** Series beyond this are counted under `overflow` labels (USERS.md row 34). */
  readonly maxSeries: number;
  /** A series that has not counted for this long is dropped. */
  readonly expireMs: number;
}

export const DEFAULT_METRIC_LIMITS: MetricLimits = { maxSeries: 5000, expireMs: 3_600_000 };

/** Every request series of a proxy. */
export class RequestMetrics {
  readonly #limits: MetricLimits;
  readonly #series = new Map<string, RequestSeries>();
  #overflows = 0;

  constructor(limits: MetricLimits = DEFAULT_METRIC_LIMITS) {
    this.#limits = limits;
  }

  /** The series with these labels, made when there is none. */
  open(peer: string, status: number, flag: Flag | ''): RequestSeries {
    let labels = mergeLabels(peer, `response_code="${status}",response_flags="${flag === '' ? '-' : flag}"`);
    if (!this.#series.has(labels) && this.#series.size >= this.#limits.maxSeries) {
      this.#overflows++;
      labels = `overflow="true",response_code="${status}",response_flags="${flag === '' ? '-' : flag}"`;
    }
    let series = this.#series.get(labels);
    if (series === undefined) {
      series = {
        labels,
        requests: 0,
        durationMs: new Histogram(),
        requestBytes: new Histogram(),
        responseBytes: new Histogram(),
        touchedMs: 0,
        expired: false,
      };
      this.#series.set(labels, series);
    }
    return series;
  }

  /** Drops what has been idle for too long. Called now and then, with the time that `touchedMs` is measured in. */
  expire(nowMs: number): void {
    for (const [labels, series] of this.#series) {
      if (nowMs - series.touchedMs <= this.#limits.expireMs) continue;
      this.#series.delete(labels);
      series.expired = true;
    }
  }

  get size(): number {
    return this.#series.size;
  }

  /** All series; for tests and the admin page. */
  values(): IterableIterator<RequestSeries> {
    return this.#series.values();
  }

  render(out: Exposition): void {
    out.family(
      'istio_requests_total',
      'counter',
      'Requests and their answers, by peer, status and response flag.',
    );
    for (const series of this.#series.values())
      out.sample('istio_requests_total', series.labels, series.requests);
    out.family(
      'istio_request_duration_milliseconds',
      'histogram',
      'From the first byte of a request to the last byte of its answer.',
    );
    for (const s of this.#series.values())
      out.histogram('istio_request_duration_milliseconds', s.labels, s.durationMs);
    out.family('istio_request_bytes', 'histogram', 'Bytes of request bodies.');
    for (const s of this.#series.values()) out.histogram('istio_request_bytes', s.labels, s.requestBytes);
    out.family('istio_response_bytes', 'histogram', 'Bytes of response bodies.');
    for (const s of this.#series.values()) out.histogram('istio_response_bytes', s.labels, s.responseBytes);
    out.family('weft_metric_series', 'gauge', 'Request series held.');
    out.sample('weft_metric_series', '', this.#series.size);
    out.family(
      'weft_metric_overflows_total',
      'counter',
      'Series that were folded into overflow="true" because of the cap.',
    );
    out.sample('weft_metric_overflows_total', '', this.#overflows);
  }
}
