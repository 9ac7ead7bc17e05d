/** Bounds of the metrics of one proxy. */
export interface MetricLimits {
  /** Series beyond this are counted under `overflow` labels. */
  readonly maxSeries: number;
  /** And so are those that would make the family's text longer than this: labels may be long. */
  readonly maxBytes: number;
  /** A series that has not counted for this long is dropped. */
  readonly expireMs: number;
}

export const DEFAULT_METRIC_LIMITS: MetricLimits = {
  maxSeries: 5000,
  maxBytes: 32 << 20,
  expireMs: 3_600_000,
};

/** The limits of one of `cores` cores, whose texts become one. */
export function metricLimitsOf(cores: number): MetricLimits {
  const { maxSeries, maxBytes, expireMs } = DEFAULT_METRIC_LIMITS;
  return { maxSeries: Math.ceil(maxSeries / cores), maxBytes: Math.ceil(maxBytes / cores), expireMs };
}

/** Name, bucket and value of a line beside its labels. */
const bytesBesideLabels = 70;

/**
 * How many series there may be, and how long their text: settled when a series is opened, so that what is scraped stays the same
 * from scrape to scrape and never has to be cut. No peer gets more than half of it, so that one that means harm leaves room for
 * the others.
 */
export class SeriesBudget {
  readonly #limits: MetricLimits;
  readonly #linesEach: number;
  readonly #bytesOf = new Map<string, number>();
  #series = 0;
  #bytes = 0;

  /** `linesEach`: lines of the exposition that a series makes. */
  constructor(limits: MetricLimits, linesEach: number) {
    this.#limits = limits;
    this.#linesEach = linesEach;
  }

  /** Takes what a series with these labels needs, for `owner`, the peer that it is about; false where there is no room for it. */
  take(labels: string, owner = ''): boolean {
    const cost = this.#costOf(labels);
    const owned = (this.#bytesOf.get(owner) ?? 0) + cost;
    const { maxSeries, maxBytes } = this.#limits;
    if (this.#series >= maxSeries || this.#bytes + cost > maxBytes) return false;
    if (owner !== '' && owned > maxBytes / 2) return false;
    this.#series++;
    this.#bytes += cost;
    this.#bytesOf.set(owner, owned);
    return true;
  }

  /** Gives back what `take` took. */
  give(labels: string, owner = ''): void {
    const cost = this.#costOf(labels);
    this.#series--;
    this.#bytes -= cost;
    const left = (this.#bytesOf.get(owner) ?? 0) - cost;
    if (left > 0) this.#bytesOf.set(owner, left);
    else this.#bytesOf.delete(owner);
  }

  #costOf(labels: string): number {
    return this.#linesEach * (labels.length + bytesBesideLabels);
  }
}
