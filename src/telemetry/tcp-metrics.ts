import type { Flag } from '../errors/index.ts';
import type { Exposition } from './exposition.ts';
import { mergeLabels, type PeerLabels, peerLabelText } from './peer-labels.ts';
import { DEFAULT_METRIC_LIMITS, type MetricLimits } from './request-metrics.ts';

/** One combination of labels of the istio_tcp_* metrics. */
export interface TcpSeries {
  readonly labels: string;
  opened: number;
  closed: number;
  /** From the server to the client, as Istio counts. */
  sentBytes: number;
  receivedBytes: number;
  touchedMs: number;
}

/** Every TCP series of a proxy; looked up once per connection. */
export class TcpMetrics {
  readonly #limits: MetricLimits;
  readonly #series = new Map<string, TcpSeries>();

  constructor(limits: MetricLimits = DEFAULT_METRIC_LIMITS) {
    this.#limits = limits;
  }

  series(labels: PeerLabels, flag: Flag | ''): TcpSeries {
    const end = `response_flags="${flag === '' ? '-' : flag}"`;
    let text = mergeLabels(peerLabelText(labels), end);
    if (!this.#series.has(text) && this.#series.size >= this.#limits.maxSeries)
      text = `overflow="true",${end}`;
    let series = this.#series.get(text);
    if (series === undefined) {
      series = { labels: text, opened: 0, closed: 0, sentBytes: 0, receivedBytes: 0, touchedMs: 0 };
      this.#series.set(text, series);
    }
    return series;
  }

  /** Drops series without open connections that have been idle for too long. */
  expire(nowMs: number): void {
    for (const [labels, series] of this.#series) {
      if (series.opened === series.closed && nowMs - series.touchedMs > this.#limits.expireMs)
        this.#series.delete(labels);
    }
  }

  /** All series; for tests and the admin page. */
  values(): IterableIterator<TcpSeries> {
    return this.#series.values();
  }

  render(out: Exposition): void {
    const families: [string, string, (series: TcpSeries) => number][] = [
      ['istio_tcp_connections_opened_total', 'Connections opened.', series => series.opened],
      ['istio_tcp_connections_closed_total', 'Connections closed.', series => series.closed],
      ['istio_tcp_sent_bytes_total', 'Bytes sent to clients.', series => series.sentBytes],
      ['istio_tcp_received_bytes_total', 'Bytes received from clients.', series => series.receivedBytes],
    ];
    for (const [name, help, value] of families) {
      out.family(name, 'counter', help);
      for (const series of this.#series.values()) out.sample(name, series.labels, value(series));
    }
  }
}
