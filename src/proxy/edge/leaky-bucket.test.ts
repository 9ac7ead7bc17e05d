import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LeakyBucket } from './leaky-bucket.ts';

/** How many of `times` (milliseconds) get through at this rate and burst. */
function passed(perSecond: number, burst: number, times: readonly number[]): boolean[] {
  const bucket = new LeakyBucket(0);
  return times.map(nowMs => {
    const excess = bucket.with(perSecond, nowMs);
    if (excess > burst) return false;
    bucket.take(excess, nowMs);
    return true;
  });
}

test('the first and a burst get through at once, and one more whenever one has leaked away', () => {
  assert.deepEqual(passed(10, 2, [0, 0, 0, 0, 50, 100, 100, 300, 300, 300]), [
    true,
    true,
    true,
    false,
    false,
    true,
    false,
    true,
    true,
    false,
  ]);
});

test('what is refused makes nothing fuller: who keeps asking is let in at the rate', () => {
  const everyTen = Array.from({ length: 101 }, (_, at) => at * 10);
  assert.equal(passed(10, 0, everyTen).filter(Boolean).length, 11);
});
