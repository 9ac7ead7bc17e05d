import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LatencyAverage } from './latency.ts';

test('rises fast with slow answers, though not to the first, and falls slowly after them', () => {
  const latency = new LatencyAverage(5, 0);
  latency.observe(100, 1);
  assert.ok(latency.averageMs > 30 && latency.averageMs < 50, `${latency.averageMs} ms after one`);
  for (let nowMs = 2; nowMs < 7; nowMs++) latency.observe(100, nowMs);
  const risen = latency.averageMs;
  assert.ok(risen > 80 && risen <= 100, `${risen} ms after six`);
  latency.observe(5, 8);
  assert.ok(latency.averageMs > risen - 1 && latency.averageMs < risen);
  for (let nowMs = 3; nowMs < 60_000; nowMs += 10) latency.observe(5, nowMs);
  assert.ok(latency.averageMs < 6, `${latency.averageMs} ms a minute later`);
});

test('falls to about a third of the peak in five seconds, however many answers come in between', () => {
  for (const everyMs of [10, 100, 1_000]) {
    const latency = new LatencyAverage(1_000, 0);
    for (let nowMs = everyMs; nowMs <= 5_000; nowMs += everyMs) latency.observe(0, nowMs);
    assert.ok(
      Math.abs(latency.averageMs - 1_000 / Math.E) < 1,
      `${latency.averageMs} with one every ${everyMs} ms`,
    );
  }
});

test('costs more with every request under way, and fades only while there is none', () => {
  const latency = new LatencyAverage(10, 0);
  assert.equal(latency.cost(0, 0), 10);
  assert.equal(latency.cost(3, 0), 40);
  assert.equal(latency.cost(0, 20_000), 5, 'what is quick costs the same');
  assert.equal(
    latency.cost(1, 20_000),
    20,
    'an endpoint that does not answer must not look cheaper and cheaper',
  );
});

test('differences between quick endpoints cost nothing', () => {
  assert.equal(new LatencyAverage(1, 0).cost(2, 0), new LatencyAverage(4, 0).cost(2, 0));
});

test('a clock that seems to go back does no harm', () => {
  const latency = new LatencyAverage(10, 1_000);
  latency.observe(5, 500);
  assert.ok(latency.averageMs <= 10 && latency.averageMs >= 5);
  assert.equal(latency.cost(0, 0), latency.averageMs);
});
