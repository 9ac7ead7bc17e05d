import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClusterLatency, LatencyAverage } from './latency.ts';

/** A cluster's endpoints that have all answered in 10 ms for a while, and the time it is then. */
function settled(n: number): { all: LatencyAverage[]; nowMs: number } {
  const cluster = new ClusterLatency();
  const all = Array.from({ length: n }, () => new LatencyAverage(cluster, 0));
  let nowMs = 0;
  for (let i = 0; i < 200; i++) {
    nowMs += 10;
    for (const each of all) each.observe(10, nowMs);
  }
  return { all, nowMs };
}

function observeAll(latency: LatencyAverage, latencies: readonly number[], fromMs: number, everyMs: number) {
  for (const [i, each] of latencies.entries()) latency.observe(each, fromMs + i * everyMs);
}

test('one answer that took a hundred times as long does not make an endpoint clearly dearer', () => {
  const { all, nowMs } = settled(3);
  const [slow, other] = all as [LatencyAverage, LatencyAverage, LatencyAverage];
  slow.observe(1_000, nowMs + 100);
  const ratio = slow.cost(0, nowMs + 100) / other.cost(0, nowMs + 100);
  assert.ok(ratio > 1.2 && ratio < 1.67, `${ratio} times as dear`);
});

test('an endpoint that has become ten times as slow is clearly dearer within six answers and about ten times as dear in the end', () => {
  const { all, nowMs } = settled(4);
  const [slow, ...others] = all as [LatencyAverage, ...LatencyAverage[]];
  const ratios: number[] = [];
  for (let i = 1; i <= 60; i++) {
    const atMs = nowMs + i * 100;
    slow.observe(100, atMs);
    for (const other of others) for (let k = 0; k < 4; k++) other.observe(10, atMs + k * 20);
    ratios.push(slow.cost(0, atMs) / others[0]!.cost(0, atMs));
  }
  const known = ratios.findIndex(ratio => ratio > 1 / 0.6) + 1;
  assert.ok(known >= 2 && known <= 6, `known after ${known} answers`);
  assert.ok(ratios.at(-1)! > 8 && ratios.at(-1)! < 20, `${ratios.at(-1)} times as dear`);
});

test('what makes all answers slow tells nothing about an endpoint, even if it is not asked again', () => {
  const cluster = new ClusterLatency();
  const all = Array.from({ length: 2 }, () => new LatencyAverage(cluster, 0));
  const [asked, left] = all as [LatencyAverage, LatencyAverage];
  for (let nowMs = 10; nowMs <= 1_000; nowMs += 10) for (const each of all) each.observe(300, nowMs);
  observeAll(asked, Array(100).fill(10), 1_010, 5);
  const ratio = left.cost(0, 1_510) / asked.cost(0, 1_510);
  assert.ok(ratio > 0.6 && ratio < 1.9, `${ratio} times as dear`);
});

test('answers that waited for the same pause count once', () => {
  const { all, nowMs } = settled(2);
  const [paused, once] = all as [LatencyAverage, LatencyAverage];
  for (let i = 0; i < 50; i++) paused.observe(200, nowMs + 200);
  once.observe(200, nowMs + 200);
  const ratio = paused.cost(0, nowMs + 200) / once.cost(0, nowMs + 200);
  assert.ok(ratio < 1.1, `fifty at once: ${ratio} times as dear as one`);
});

test('at a high rate half a second counts, not ten answers', () => {
  const { all, nowMs } = settled(2);
  const [slow, other] = all as [LatencyAverage, LatencyAverage];
  observeAll(slow, Array(20).fill(100), nowMs + 1, 1);
  assert.ok(slow.cost(0, nowMs + 20) / other.cost(0, nowMs + 20) < 1.3);
  for (let i = 0; i < 1_000; i++) {
    slow.observe(100, nowMs + 21 + i);
    other.observe(10, nowMs + 21 + i);
  }
  assert.ok(slow.cost(0, nowMs + 1_020) / other.cost(0, nowMs + 1_020) > 5);
});

test('costs more with every request under way, and slowness fades only while there is none', () => {
  const { all, nowMs } = settled(2);
  const [slow, other] = all as [LatencyAverage, LatencyAverage];
  for (let i = 1; i <= 30; i++) {
    slow.observe(1_000, nowMs + i * 100);
    for (let k = 0; k < 5; k++) other.observe(10, nowMs + i * 100 + k * 10);
  }
  const atMs = nowMs + 3_000;
  const cost = slow.cost(0, atMs);
  assert.ok(cost > 3, `${cost}`);
  assert.ok(Math.abs(slow.cost(3, atMs) - 4 * cost) < 1e-9);
  assert.ok(slow.cost(0, atMs + 4_000) < cost ** 0.4);
  assert.ok(slow.cost(0, atMs + 60_000) < 1.01);
  assert.ok(
    slow.cost(1, atMs + 60_000) === 2 * cost,
    'an endpoint that does not answer must not look cheaper and cheaper',
  );
});

test('differences between quick endpoints cost nothing, and are shown all the same', () => {
  const cluster = new ClusterLatency();
  const [one, four] = [new LatencyAverage(cluster, 0), new LatencyAverage(cluster, 0)];
  for (let nowMs = 10; nowMs < 5_000; nowMs += 10) {
    one.observe(0, nowMs);
    four.observe(4, nowMs);
  }
  assert.equal(one.cost(2, 5_000), four.cost(2, 5_000));
  assert.ok(one.averageMs < 0.1 && Math.abs(four.averageMs - 4) < 0.1, `${one.averageMs} ${four.averageMs}`);
});

test('a new endpoint is taken for as fast as the others', () => {
  const cluster = new ClusterLatency();
  const old = new LatencyAverage(cluster, 0);
  observeAll(old, Array(100).fill(300), 10, 10);
  const fresh = new LatencyAverage(cluster, 1_000);
  assert.ok(Math.abs(old.cost(0, 1_000) / fresh.cost(0, 1_000) - 1) < 0.1);
  assert.ok(fresh.averageMs > 100);
});

test('a clock that seems to go back does no harm', () => {
  const latency = new LatencyAverage(new ClusterLatency(), 1_000);
  latency.observe(500, 500);
  assert.equal(latency.cost(0, 0), 1);
  assert.equal(latency.cost(0, 1_000), 1);
});
