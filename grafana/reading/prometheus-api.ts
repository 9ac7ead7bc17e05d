// What Grafana asks of Prometheus: https://prometheus.io/docs/prometheus/latest/querying/api/

/** One series with its samples: seconds since the epoch, and the value. */
export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly samples: readonly (readonly [atS: number, value: number])[];
}

interface Answer<T> {
  readonly status: string;
  readonly error?: string;
  readonly data: T;
}

interface Result {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: readonly [number, string];
  readonly values?: readonly (readonly [number, string])[];
}

/** A Prometheus at a URL. Calls reject with what it says is wrong with a query. */
export class PrometheusApi {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url.replace(/\/$/, '');
  }

  /** The value now, or at a time. */
  query(expr: string, atS?: number): Promise<readonly Series[]> {
    return this.#series('query', { query: expr, ...(atS !== undefined && { time: String(atS) }) });
  }

  /** The course of it. */
  queryRange(expr: string, fromS: number, toS: number, stepS: number): Promise<readonly Series[]> {
    const range = { start: String(fromS), end: String(toS), step: String(stepS) };
    return this.#series('query_range', { query: expr, ...range });
  }

  /** Values of a label of some series. */
  labelValues(label: string, series: string, fromS: number, toS: number): Promise<readonly string[]> {
    return this.#ask(`label/${label}/values`, {
      'match[]': series,
      start: String(fromS),
      end: String(toS),
    });
  }

  async #series(path: string, parameters: Record<string, string>): Promise<readonly Series[]> {
    const { result } = await this.#ask<{ readonly result: readonly Result[] }>(path, parameters);
    return result.map(({ metric, value, values }) => ({
      labels: metric,
      samples: (values ?? [value!]).map(([atS, text]) => [atS, Number(text)] as const),
    }));
  }

  async #ask<T>(path: string, parameters: Record<string, string>): Promise<T> {
    const answer = await fetch(`${this.#url}/api/v1/${path}?${new URLSearchParams(parameters)}`);
    const { status, error, data } = (await answer.json()) as Answer<T>;
    if (status !== 'success') throw new Error(`${Object.values(parameters)[0]}: ${error ?? answer.status}`);
    return data;
  }
}
