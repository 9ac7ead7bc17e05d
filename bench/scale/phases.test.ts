import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seeded } from '../../src/cluster/testing/random.ts';
import { churnTimes } from './phases.ts';

test('pods come and go as often as asked, out of step, and each goes after its successor came', () => {
  const times = churnTimes(2_000, 50, seeded(1));
  assert.equal(times.length, 4_000);
  const cameAt = new Map(times.filter(({ isNew }) => isNew).map(({ number, atMs }) => [number, atMs]));
  for (const { number, atMs, isNew } of times) assert.ok(isNew || atMs >= cameAt.get(number)! + 1_000);
  const gaps = times.slice(1).map(({ atMs }, at) => atMs - times[at]!.atMs);
  assert.ok(gaps.every(gap => gap >= 0));
  const seconds = times.at(-1)!.atMs / 1_000;
  assert.ok(Math.abs(times.length / seconds - 50) < 5, `${times.length / seconds} a second`);
  // Of strangers two thirds follow each other within the mean, and the others take their time.
  const close = gaps.filter(gap => gap < 20).length / gaps.length;
  assert.ok(close > 0.58 && close < 0.68, `${close}`);
});
