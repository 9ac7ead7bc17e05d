import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock, TimerWheel } from '../time/index.ts';
import { KeptStreams } from './kept-streams.ts';

const owner = { onFault: () => assert.fail() };

function kept(): {
  clock: FakeClock;
  streams: KeptStreams<number>;
  dropped: number[];
  looks: { count: number };
} {
  const clock = new FakeClock();
  const dropped: number[] = [];
  const looks = { count: 0 };
  const streams = new KeptStreams<number>(
    new TimerWheel(clock),
    each => void dropped.push(each),
    () => void looks.count++,
    owner,
  );
  return { clock, streams, dropped, looks };
}

test('as many are kept as were in use at once, and the last one is used first', () => {
  const { streams, dropped } = kept();
  assert.equal(streams.take(), undefined);
  for (let i = 1; i <= 500; i++) streams.keep(i);
  for (let i = 500; i >= 1; i--) assert.equal(streams.take(), i);
  assert.equal(streams.take(), undefined);
  assert.deepEqual(dropped, []);
});

test('those that nobody needs between two looks go, the oldest first; a few stay', async () => {
  const { clock, streams, dropped, looks } = kept();
  /** Thirty at once. */
  const busy = (): void => {
    const taken = Array.from({ length: 30 }, () => streams.take()!);
    for (const each of taken.reverse()) streams.keep(each);
  };
  for (let i = 0; i < 100; i++) streams.keep(i);
  await clock.advance(10_000);
  assert.equal(looks.count, 1);
  assert.deepEqual(dropped, [], 'all have been in use since then');
  busy();
  await clock.advance(10_000);
  assert.deepEqual(
    dropped,
    Array.from({ length: 70 }, (_, i) => i),
  );
  busy();
  await clock.advance(10_000);
  assert.equal(dropped.length, 70, 'what is needed stays');
  await clock.advance(10_000);
  assert.equal(dropped.length, 92);
  await clock.advance(60_000);
  assert.equal(looks.count, 4, 'nobody looks at a few');
  assert.equal(streams.take(), 99);
});
