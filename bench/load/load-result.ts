/** What a load program found out; it prints this as the last line, after `RESULT `. */
export interface LoadResult {
  /** Requests, messages or megabytes that went through. */
  readonly count: number;
  readonly seconds: number;
  readonly p50_ms?: number;
  readonly p90_ms?: number;
  readonly p99_ms?: number;
  readonly p999_ms?: number;
  /** Failures of connections, and answers other than 2xx. */
  readonly errors: number;
  readonly not_ok?: number;
  /** How much later than meant the generator itself sent (99 of 100): the limit of what the latencies can tell. */
  readonly late_p99_ms?: number;
}

/** Takes the result out of what a load program printed. */
export function readResult(printed: string): LoadResult {
  const line = printed.split('\n').find(each => each.startsWith('RESULT '));
  if (line === undefined) throw new Error(`the load program gave no result: ${printed.slice(-300)}`);
  return JSON.parse(line.slice(7)) as LoadResult;
}

/** Prints it. */
export function printResult(result: LoadResult): void {
  console.log(`RESULT ${JSON.stringify(result)}`);
}

/** Percentiles of milliseconds. */
export function percentiles(
  latencies: Float64Array,
): Required<Pick<LoadResult, 'p50_ms' | 'p90_ms' | 'p99_ms' | 'p999_ms'>> {
  const sorted = latencies.toSorted();
  const at = (q: number): number =>
    Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0) * 1000) / 1000;
  return { p50_ms: at(0.5), p90_ms: at(0.9), p99_ms: at(0.99), p999_ms: at(0.999) };
}
