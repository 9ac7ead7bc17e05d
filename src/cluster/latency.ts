/** How fast the memory of an earlier peak fades. */
const decayMs = 5_000;

/**
 * Peak EWMA of an endpoint's response latency (Finagle's PeakEwma): rises at once with a slow answer, falls slowly, and costs more
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
    this.#averageMs =
      latencyMs > this.#averageMs ? latencyMs : this.#averageMs * weight + latencyMs * (1 - weight);
  }

  /**
   * What one more request would cost here, for comparing. With nothing under way the memory of a slow answer fades here too: nobody
   * would otherwise go and see whether the endpoint is still slow.
   */
  cost(active: number, nowMs: number): number {
    if (active > 0) return this.#averageMs * (active + 1);
    return this.#averageMs * Math.exp(-Math.max(0, nowMs - this.#updatedMs) / decayMs);
  }
}
