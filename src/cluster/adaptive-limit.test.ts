import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AdaptiveLimit } from './adaptive-limit.ts';
import { seeded } from './testing/random.ts';

const settings = { minRequests: 4, maxRequests: 1000, tolerance: 2 };

/** An upstream that serves so many at once, each in `serviceMs` give or take; others queue. */
interface Upstream {
  workers: number;
  serviceMs: number;
}

/** What came out of a stretch of simulated time. */
interface Outcome {
  readonly served: number;
  readonly refused: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly limit: number;
}

/**
 * Open-loop load of `perSecond` on `upstream`, behind a limit (or none), in steps of 1 ms. State stays between calls of `run`.
 */
class Simulation {
  readonly upstream: Upstream = { workers: 10, serviceMs: 20 };
  readonly limit: AdaptiveLimit | undefined;
  readonly #random = seeded(4);
  readonly #queue: number[] = [];
  readonly #busy: { readonly doneMs: number; readonly sinceMs: number }[] = [];
  #nowMs = 0;
  #owed = 0;

  constructor(limit: AdaptiveLimit | undefined) {
    this.limit = limit;
  }

  run(seconds: number, perSecond: number): Outcome {
    const latencies: number[] = [];
    let refused = 0;
    for (const untilMs = this.#nowMs + seconds * 1000; this.#nowMs < untilMs; this.#nowMs++) {
      this.#finish(latencies);
      for (this.#owed += perSecond / 1000; this.#owed >= 1; this.#owed--) {
        const underWay = this.#busy.length + this.#queue.length;
        if (this.limit !== undefined && underWay >= this.limit.limit) refused++;
        else this.#queue.push(this.#nowMs);
      }
      this.#start();
    }
    latencies.sort((a, b) => a - b);
    return {
      served: latencies.length / seconds,
      refused: refused / seconds,
      p50Ms: latencies[latencies.length >> 1] ?? 0,
      p99Ms: latencies[Math.floor(latencies.length * 0.99)] ?? 0,
      limit: this.limit?.limit ?? 0,
    };
  }

  #finish(latencies: number[]): void {
    for (let i = this.#busy.length - 1; i >= 0; i--) {
      const { doneMs, sinceMs } = this.#busy[i]!;
      if (doneMs > this.#nowMs) continue;
      const tookMs = this.#nowMs - sinceMs;
      this.limit?.observe(tookMs, this.#busy.length + this.#queue.length, this.#nowMs);
      this.#busy.splice(i, 1);
      latencies.push(tookMs);
    }
  }

  #start(): void {
    while (this.#busy.length < this.upstream.workers && this.#queue.length > 0) {
      const tookMs = this.upstream.serviceMs * (0.5 + this.#random());
      this.#busy.push({ doneMs: this.#nowMs + tookMs, sinceMs: this.#queue.shift()! });
    }
  }
}

test('twice the load that an upstream can take: it stays busy and answers stay quick, where without a limit they take seconds', () => {
  const bare = new Simulation(undefined).run(10, 1_000);
  const simulation = new Simulation(new AdaptiveLimit(settings));
  simulation.run(10, 1_000);
  const limited = simulation.run(10, 1_000);
  // Ten workers at 20 ms each are 500 a second.
  assert.ok(bare.p50Ms > 2_000, `without: p50 ${bare.p50Ms} ms`);
  assert.ok(limited.served > 475, `served ${limited.served} of 500 a second`);
  assert.ok(limited.p99Ms < 120, `p99 ${limited.p99Ms} ms at limit ${limited.limit}`);
  assert.ok(limited.refused > 450 && limited.refused < 550, `refused ${limited.refused} a second`);
});

test('load that the upstream can take is never refused', () => {
  const simulation = new Simulation(new AdaptiveLimit(settings));
  assert.equal(simulation.run(30, 300).refused, 0);
});

test('an upstream that grows is used', () => {
  const simulation = new Simulation(new AdaptiveLimit(settings));
  simulation.run(10, 2_000);
  simulation.upstream.workers = 40;
  simulation.run(20, 2_000);
  const grown = simulation.run(10, 2_000);
  assert.ok(grown.served > 1_800, `served ${grown.served} of 2000 a second at limit ${grown.limit}`);
});

test('an upstream that has become three times as slow for good is not strangled', () => {
  const simulation = new Simulation(new AdaptiveLimit(settings));
  simulation.run(10, 400);
  simulation.upstream.serviceMs = 60;
  simulation.run(60, 400);
  const slow = simulation.run(10, 400);
  // 10 workers at 60 ms: 167 a second.
  assert.ok(slow.served > 150, `served ${slow.served} of 167 a second at limit ${slow.limit}`);
  assert.ok(slow.p99Ms < 500, `p99 ${slow.p99Ms} ms`);
});

test('the limit keeps to its bounds, also to new ones', () => {
  const limit = new AdaptiveLimit({ minRequests: 5, maxRequests: 8, tolerance: 1.5 });
  assert.equal(limit.limit, 8);
  for (let nowMs = 0; nowMs < 60_000; nowMs += 5) limit.observe(1, 8, nowMs);
  assert.equal(limit.limit, 8);
  for (let nowMs = 60_000; nowMs < 61_000; nowMs += 5) limit.observe(1_000, 8, nowMs);
  assert.equal(limit.limit, 5);
  limit.configure({ minRequests: 50, maxRequests: 100, tolerance: 1.5 });
  assert.equal(limit.limit, 50);
});

test('answers that never came make it smaller at once', () => {
  const limit = new AdaptiveLimit(settings);
  for (let nowMs = 0; nowMs < 2_000; nowMs += 5) limit.observe(10, 15, nowMs);
  const before = limit.limit;
  for (let nowMs = 2_000; nowMs < 3_000; nowMs += 5) limit.dropped(10, 15, nowMs);
  assert.ok(limit.limit < before * 0.7, `${before} → ${limit.limit}`);
});
