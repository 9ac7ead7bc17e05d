/** A cumulative bucket: how many observations were at most `le`. */
export interface Bucket {
  readonly le: number;
  readonly count: number;
}

/**
 * The φ-quantile of a classic histogram, as Prometheus' histogram_quantile has it (promql/quantile.go, BucketQuantile): linear
 * inside of a bucket, the last finite bound for what is above it. NaN for no observation, or without a bucket `+Inf`.
 */
export function histogramQuantile(q: number, given: readonly Bucket[]): number {
  if (Number.isNaN(q)) return Number.NaN;
  if (q < 0) return Number.NEGATIVE_INFINITY;
  if (q > 1) return Number.POSITIVE_INFINITY;
  const buckets = monotonic([...given].sort((a, b) => a.le - b.le));
  const last = buckets.at(-1);
  if (last === undefined || last.le !== Number.POSITIVE_INFINITY || buckets.length < 2 || last.count === 0)
    return Number.NaN;
  let rank = q * last.count;
  const found = buckets.findIndex(({ count }, at) => at === buckets.length - 1 || count >= rank);
  const bucket = buckets[found]!;
  if (bucket === last) return buckets.at(-2)!.le;
  if (found === 0 && bucket.le <= 0) return bucket.le;
  const before = buckets[found - 1] ?? { le: 0, count: 0 };
  rank -= before.count;
  return before.le + (bucket.le - before.le) * (rank / (bucket.count - before.count));
}

/** Buckets of one bound added up; counts never fall, as rounding of rates could have them do. */
function monotonic(sorted: readonly Bucket[]): Bucket[] {
  const buckets: Bucket[] = [];
  for (const { le, count } of sorted) {
    const before = buckets.at(-1);
    if (before?.le === le) buckets[buckets.length - 1] = { le, count: before.count + count };
    else buckets.push({ le, count });
  }
  let most = 0;
  return buckets.map(({ le, count }) => {
    most = Math.max(most, count);
    return { le, count: most };
  });
}
