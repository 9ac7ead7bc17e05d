/**
 * Upper bounds in milliseconds or bytes: Istio's default buckets, so that existing dashboards and recording rules keep working.
 */
export const BUCKETS: readonly number[] = [
  0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000,
  3_600_000,
];

/** A trace that had a value of a bucket. */
export interface Exemplar {
  readonly traceId: string;
  readonly value: number;
  /** Since the epoch. */
  readonly atMs: number;
}

/** Counts per bucket as plain numbers; `counts[BUCKETS.length]` holds what is above the last bound. */
export class Histogram {
  readonly counts: Float64Array = new Float64Array(BUCKETS.length + 1);
  sum = 0;
  /** The last of each bucket; undefined while there is none. */
  exemplars: (Exemplar | undefined)[] | undefined = undefined;

  /** Adds one observation. */
  observe(value: number): void {
    this.counts[bucketOf(value)]!++;
    this.sum += value;
  }

  /** Says which trace had a value that has been observed. */
  exemplify(exemplar: Exemplar): void {
    this.exemplars ??= new Array<Exemplar | undefined>(BUCKETS.length + 1).fill(undefined);
    this.exemplars[bucketOf(exemplar.value)] = exemplar;
  }

  /** Adds what another has observed. */
  addAll(other: Histogram): void {
    for (let i = 0; i < this.counts.length; i++) this.counts[i]! += other.counts[i]!;
    this.sum += other.sum;
    for (const exemplar of other.exemplars ?? []) if (exemplar !== undefined) this.exemplify(exemplar);
  }

  get count(): number {
    let total = 0;
    for (const count of this.counts) total += count;
    return total;
  }
}

function bucketOf(value: number): number {
  let bucket = 0;
  while (bucket < BUCKETS.length && value > BUCKETS[bucket]!) bucket++;
  return bucket;
}
