import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../time/index.ts';
import { RetryBudget } from './retry-budget.ts';
import { below, oneOf, seeded } from './testing/random.ts';

function tries(budget: RetryBudget, times: number): number {
  let allowed = 0;
  for (let i = 0; i < times; i++) if (budget.tryRetry()) allowed++;
  return allowed;
}

test('a share of the requests, and a few per second whatever comes', () => {
  const clock = new FakeClock();
  const budget = new RetryBudget({ ratio: 0.2, minPerSecond: 2, ttlMs: 10_000 }, clock);
  assert.equal(tries(budget, 100), 20, 'the minimum alone');
  for (let i = 0; i < 100; i++) budget.recordRequest(clock.monotonic());
  assert.equal(tries(budget, 100), 20, 'a fifth of a hundred');
  assert.equal(budget.exhausted, 160);
  assert.equal(budget.requests, 100);
});

test('requests stop counting when the window has passed, and retries too', async () => {
  const clock = new FakeClock();
  const budget = new RetryBudget({ ratio: 0.5, minPerSecond: 0, ttlMs: 1_000 }, clock);
  for (let i = 0; i < 100; i++) budget.recordRequest(clock.monotonic());
  assert.equal(tries(budget, 30), 30);
  await clock.advance(1_200);
  assert.equal(tries(budget, 10), 0, 'old requests paid for new retries');
  for (let i = 0; i < 10; i++) budget.recordRequest(clock.monotonic());
  assert.equal(tries(budget, 10), 5);
});

test('after a long silence it is as new, and neither ratio nor minimum means no retry at all', async () => {
  const clock = new FakeClock();
  const budget = new RetryBudget({ ratio: 0.2, minPerSecond: 1, ttlMs: 10_000 }, clock);
  assert.equal(tries(budget, 50), 10);
  await clock.advance(86_400_000);
  assert.equal(tries(budget, 50), 10);
  budget.settings = { ratio: 0, minPerSecond: 0, ttlMs: 10_000 };
  await clock.advance(86_400_000);
  budget.recordRequest(clock.monotonic());
  assert.equal(budget.tryRetry(), false);
});

test('in any window that ends with a retry: at most ratio × requests and the minimum', async () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = seeded(seed);
    const clock = new FakeClock();
    const ratio = oneOf(random, [0, 0.1, 0.2, 0.5, 1]);
    const minPerSecond = oneOf(random, [0, 1, 10]);
    const ttlMs = oneOf(random, [1_000, 10_000]);
    const budget = new RetryBudget({ ratio, minPerSecond, ttlMs }, clock);
    const requests: number[] = [];
    const retries: number[] = [];
    for (let step = 0; step < 150; step++) {
      const nowMs = clock.monotonic();
      const burst = below(random, 40);
      for (let i = 0; i < burst; i++) {
        if (random() < 0.5) {
          budget.recordRequest(nowMs);
          requests.push(nowMs);
        } else if (budget.tryRetry()) retries.push(nowMs);
      }
      const since = (times: number[]): number => times.filter(time => time > nowMs - ttlMs).length;
      const allowed = since(requests) * ratio + (minPerSecond * ttlMs) / 1_000;
      if (retries.at(-1) === nowMs)
        assert.ok(
          since(retries) <= allowed + 1e-9,
          `seed ${seed}: ${since(retries)} retries in ${ttlMs} ms, ${allowed} allowed`,
        );
      await clock.advance(below(random, (ttlMs / 10) * oneOf(random, [0.3, 1, 3])));
    }
  }
});

test('retries are not refused for longer than a window and a tenth after the budget was used up', async () => {
  const clock = new FakeClock();
  const budget = new RetryBudget({ ratio: 0, minPerSecond: 10, ttlMs: 10_000 }, clock);
  assert.equal(tries(budget, 200), 100);
  await clock.advance(11_001);
  assert.equal(tries(budget, 200), 100);
});
