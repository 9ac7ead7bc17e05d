/** How fast the memory of an earlier peak fades. */
const decayMs = 5_000;
/** How much of the way to a slower answer it rises at once: one pause of a garbage collector must not cost a pod its share for seconds. */
const rise = 0.3;
/** Quicker than this is quick enough: such differences are chance more often than not, and nobody gains from load that is uneven for them. */
const quickMs = 5;

/**
 * Peak EWMA of an endpoint's response latency (after Finagle's PeakEwma): rises fast with slow answers, falls slowly, and costs more
 * with requests under way. What has not answered yet is taken for as fast as its cluster.
 */
export class LatencyAverage {
  #averageMs: number;
  #updatedMs: number;

  constructor(startMs: number, nowMs: number) {
    this.#averageMs = startMs;
    this.#updatedMs = nowMs;
  }

  get averageMs(): number {
    return this.#averageMs;
  }

  observe(latencyMs: number, nowMs: number): void {
    const weight = Math.exp(-Math.max(0, nowMs - this.#updatedMs) / decayMs);
    this.#updatedMs = nowMs;
    const kept = latencyMs > this.#averageMs ? 1 - rise : weight;
    this.#averageMs = this.#averageMs * kept + latencyMs * (1 - kept);
  }

  /**
   * What one more request would cost here, for comparing. With nothing under way the memory of a slow answer fades here too: nobody
   * would otherwise go and see whether the endpoint is still slow.
   */
  cost(active: number, nowMs: number): number {
    if (active > 0) return Math.max(quickMs, this.#averageMs) * (active + 1);
    return Math.max(quickMs, this.#averageMs * Math.exp(-Math.max(0, nowMs - this.#updatedMs) / decayMs));
  }
}
