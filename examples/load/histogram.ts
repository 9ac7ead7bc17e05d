const growth = Math.log(1.02);
const smallestMs = 0.01;

/** What a histogram says; milliseconds, exact to 2 %. Zeros when nothing was recorded. */
export interface Summary {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** Durations in buckets that grow by 2 %, from 10 µs up. */
export class Histogram {
  readonly #buckets: number[] = [];
  #count = 0;
  #sum = 0;
  #max = 0;

  /** Adds one duration in milliseconds. */
  record(ms: number): void {
    const bucket = ms <= smallestMs ? 0 : Math.ceil(Math.log(ms / smallestMs) / growth);
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1;
    this.#count += 1;
    this.#sum += ms;
    this.#max = Math.max(this.#max, ms);
  }

  /** The duration that the share `quantile` (0 to 1) of all stayed under or met; 0 when there are none. */
  at(quantile: number): number {
    const rank = Math.max(1, Math.ceil(quantile * this.#count));
    let seen = 0;
    for (const [bucket, count = 0] of this.#buckets.entries()) {
      seen += count;
      if (seen >= rank) return Math.min(this.#max, smallestMs * Math.exp(bucket * growth));
    }
    return 0;
  }

  /** The usual figures, rounded to microseconds. */
  summary(): Summary {
    const round = (ms: number) => Math.round(ms * 1000) / 1000;
    return {
      count: this.#count,
      mean: round(this.#count === 0 ? 0 : this.#sum / this.#count),
      p50: round(this.at(0.5)),
      p95: round(this.at(0.95)),
      p99: round(this.at(0.99)),
      max: round(this.#max),
    };
  }
}
