import type { Labels, Sample } from './prometheus.ts';

/** The metrics of every proxy at one moment, by pod name. */
export interface Scrape {
  /** Milliseconds on any clock that only goes forward. */
  readonly atMs: number;
  readonly pods: ReadonlyMap<string, readonly Sample[]>;
}

/** Which series: each label must have the value, or be accepted by the predicate. A label that is absent reads as ''. */
export type Match = Readonly<Record<string, string | ((value: string) => boolean)>>;

/** By how much counters grew between two scrapes. */
export class Growth {
  readonly seconds: number;
  readonly #pods = new Map<string, readonly Sample[]>();

  /** Without `before`, from zero. A counter that went down was started anew and counts from zero; gauges: see `now`. */
  constructor(before: Scrape | undefined, after: Scrape) {
    this.seconds = before ? (after.atMs - before.atMs) / 1000 : 0;
    for (const [pod, samples] of after.pods) {
      const earlier = new Map((before?.pods.get(pod) ?? []).map(sample => [keyOf(sample), sample.value]));
      this.#pods.set(
        pod,
        samples.map(sample => {
          const was = earlier.get(keyOf(sample)) ?? 0;
          return { ...sample, value: sample.value >= was ? sample.value - was : sample.value };
        }),
      );
    }
  }

  /** The pods there are. */
  pods(): string[] {
    return [...this.#pods.keys()];
  }

  /** Every series of that name and match, of one pod or of all. */
  series(name: string, match: Match = {}, pod?: string): Sample[] {
    const pods = pod === undefined ? [...this.#pods.values()] : [this.#pods.get(pod) ?? []];
    return pods.flatMap(samples =>
      samples.filter(sample => sample.name === name && matches(sample.labels, match)),
    );
  }

  /** The sum of `series`. */
  sum(name: string, match: Match = {}, pod?: string): number {
    return this.series(name, match, pod).reduce((sum, sample) => sum + sample.value, 0);
  }
}

/** The sum of a gauge as it is in a scrape. */
export function gauge(scrape: Scrape, name: string, match: Match = {}, pod?: string): number {
  return new Growth(undefined, scrape).sum(name, match, pod);
}

/**
 * The quantile (0 to 1) of a histogram whose `_bucket` series are given, in the unit of its bounds; series with the same
 * bound are added up. Linear inside a bucket, as PromQL's histogram_quantile does; undefined when nothing was counted.
 */
export function quantile(buckets: readonly Sample[], share: number): number | undefined {
  const byBound = new Map<number, number>();
  for (const { labels, value } of buckets) {
    const bound = labels.le === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels.le);
    byBound.set(bound, (byBound.get(bound) ?? 0) + value);
  }
  const bounds = [...byBound].sort(([a], [b]) => a - b);
  const total = bounds.at(-1)?.[1] ?? 0;
  if (total === 0) return undefined;
  const rank = share * total;
  let lower = 0;
  let below = 0;
  for (const [bound, cumulative] of bounds) {
    if (cumulative >= rank && cumulative > below) {
      if (bound === Number.POSITIVE_INFINITY) return lower;
      return lower + (bound - lower) * ((rank - below) / (cumulative - below));
    }
    lower = bound === Number.POSITIVE_INFINITY ? lower : bound;
    below = cumulative;
  }
  return lower;
}

function matches(labels: Labels, match: Match): boolean {
  for (const [name, wanted] of Object.entries(match)) {
    const value = labels[name] ?? '';
    if (typeof wanted === 'string' ? value !== wanted : !wanted(value)) return false;
  }
  return true;
}

function keyOf(sample: Sample): string {
  const names = Object.keys(sample.labels).sort();
  return `${sample.name}|${names.map(name => `${name}=${sample.labels[name]}`).join('|')}`;
}
