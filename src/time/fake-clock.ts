import type { Cancel, Clock } from './clock.ts';

interface Scheduled {
  atMs: number;
  readonly order: number;
  readonly everyMs: number;
  readonly run: () => void;
}

/** A clock for tests: time stands still until `advance` is called, then due callbacks run in order. */
export class FakeClock implements Clock {
  #nowMs: number;
  #order = 0;
  readonly #startMs: number;
  readonly #scheduled = new Set<Scheduled>();

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#startMs = startMs;
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  monotonic(): number {
    return this.#nowMs - this.#startMs;
  }

  after(delayMs: number, run: () => void): Cancel {
    return this.#schedule(delayMs, 0, run);
  }

  every(periodMs: number, run: () => void): Cancel {
    return this.#schedule(periodMs, periodMs, run);
  }

  /** How many callbacks wait; for tests that nothing was left scheduled. */
  get pending(): number {
    return this.#scheduled.size;
  }

  /** Moves time on by `byMs`, running everything that falls due on the way, and lets promises settle in between. */
  async advance(byMs: number): Promise<void> {
    const untilMs = this.#nowMs + byMs;
    for (;;) {
      const next = this.#nextBefore(untilMs);
      if (!next) break;
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      // As setInterval: what was missed is not made up for.
      if (next.everyMs > 0) next.atMs = this.#nowMs + next.everyMs;
      else this.#scheduled.delete(next);
      next.run();
      await new Promise(resolve => setImmediate(resolve));
    }
    this.#nowMs = untilMs;
    await new Promise(resolve => setImmediate(resolve));
  }

  /**
   * Time passes and nothing runs, as on a machine that has no CPU for this process; what fell due then runs, late, at the next
   * `advance`.
   */
  stall(byMs: number): void {
    this.#nowMs += byMs;
  }

  #schedule(delayMs: number, everyMs: number, run: () => void): Cancel {
    const entry: Scheduled = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, everyMs, run };
    this.#scheduled.add(entry);
    return () => this.#scheduled.delete(entry);
  }

  #nextBefore(untilMs: number): Scheduled | undefined {
    let next: Scheduled | undefined;
    for (const entry of this.#scheduled) {
      if (entry.atMs > untilMs) continue;
      if (!next || entry.atMs < next.atMs || (entry.atMs === next.atMs && entry.order < next.order))
        next = entry;
    }
    return next;
  }
}
