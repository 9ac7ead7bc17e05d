import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Backoff, FakeClock, perSecond, TokenBucket } from '../time/index.ts';
import { KeyBatch } from './key-batch.ts';
import { Ledger } from './ledger.ts';
import { PushQueue } from './push-queue.ts';

test('waits double up to fifteen seconds, are cut by up to a half, and begin anew after a success', () => {
  const longest = new Backoff(undefined, () => 0);
  const waits = Array.from({ length: 8 }, () => longest.next());
  assert.deepEqual(waits, [250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000]);
  longest.reset();
  assert.equal(longest.next(), 250);
  assert.ok(new Backoff(undefined, () => 0.999).next() < 126);
});

test('only the answer to the latest version decides how a resource stands', () => {
  const ledger = new Ledger();
  const first = ledger.send('destination', 'a', 10, undefined);
  const second = ledger.send('destination', 'a', 20, 5);
  assert.deepEqual([ledger.outstanding, ledger.oldestSentAtMs], [2, 10]);
  assert.equal(ledger.settle(first, 'bad')!.latest, false);
  assert.equal(ledger.resources()[0]!.state, 'sent');
  assert.deepEqual([ledger.settle(second)!.latest, ledger.settle(second)], [true, undefined]);
  assert.equal(ledger.resources()[0]!.state, 'acked');
  ledger.forget('destination', 'a');
  assert.deepEqual([ledger.resources(), ledger.outstanding, ledger.oldestSentAtMs], [[], 0, undefined]);
});

test('who takes beyond the burst is told how long to wait, and then has earned it', async () => {
  const clock = new FakeClock();
  const bucket = new TokenBucket(perSecond(2), clock.monotonic());
  const waits = Array.from({ length: 23 }, () => bucket.borrow(1, clock.monotonic()));
  assert.deepEqual(waits.slice(18), [0, 0, 500, 1000, 1500]);
  await clock.advance(1500);
  assert.equal(bucket.borrow(0, clock.monotonic()), 0);
  assert.equal(bucket.borrow(4, clock.monotonic()), 2000);
  await clock.advance(1_000_000);
  assert.equal(bucket.borrow(21, clock.monotonic()), 500, 'no more than the burst is saved up');
});

test('what is wanted and forgotten in between is not sent, and what was known before is forgotten first', () => {
  const batch = new KeyBatch();
  batch.want('new');
  batch.want('in vain');
  batch.forget('in vain');
  batch.forget('again');
  batch.want('again');
  batch.forget('gone');
  assert.deepEqual(batch.take(), [
    { type: 'unsubscribe', keys: ['again', 'gone'] },
    { type: 'subscribe', keys: ['new', 'again'] },
  ]);
  assert.deepEqual(batch.take(), []);
  for (let key = 0; key < 1201; key++) batch.want(String(key));
  assert.deepEqual(
    batch.take().map(({ keys }) => keys.length),
    [500, 500, 201],
  );
});

test('streams are flushed once, in turns, and not after they were removed', async () => {
  const queue = new PushQueue();
  const flushed: number[] = [];
  const streams = Array.from({ length: 200 }, (_, index) => ({ flush: () => flushed.push(index) }));
  for (const stream of [...streams, ...streams]) queue.add(stream as never);
  queue.remove(streams[199] as never);
  await new Promise(resolve => setImmediate(resolve));
  assert.ok(flushed.length < 199, 'others get their turn in between');
  while (flushed.length < 199) await new Promise(resolve => setImmediate(resolve));
  await new Promise(resolve => setImmediate(resolve));
  assert.deepEqual(
    flushed,
    Array.from({ length: 199 }, (_, index) => index),
  );
});
