import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../test/fuzz/random.ts';
import { FakeClock } from '../time/index.ts';
import { type Dropped, DroppedContext } from './dropped-context.ts';

const prices = 'prices.shop.svc.cluster.local';

/** What an app does in one run. Rates are per second. */
interface App {
  readonly seconds: number;
  readonly requests: number;
  /** How long it works on each, milliseconds. */
  readonly workMs: number;
  /** Which of its requests' calls carry the context. */
  readonly carries: (random: Random) => boolean;
  /** Calls of its own: bursts in a second, and how many calls are in each. */
  readonly own?: { readonly perSecond: number; readonly burst: number };
}

/** Runs it in steps of a millisecond; requests and bursts come at random times, and each request makes one call in its midst. */
function run(app: App, seed = 1): { named: Dropped[]; dropped: readonly Dropped[] } {
  const clock = new FakeClock();
  const random = new Random(seed);
  const named: Dropped[] = [];
  const watch = new DroppedContext(clock, dropped => void named.push(dropped));
  const happens = (perSecond: number): boolean => random.next() / 2 ** 32 < perSecond / 1000;
  const calls: number[] = [];
  const ends: number[] = [];
  for (let ms = 0; ms < app.seconds * 1000; ms++) {
    clock.stall(1);
    const nowMs = clock.monotonic();
    for (; calls[0]! <= ms; calls.shift()) watch.called(prices, app.carries(random));
    for (; ends[0]! <= ms; ends.shift()) watch.ended(nowMs);
    if (happens(app.requests)) {
      watch.began(nowMs);
      calls.push(ms + app.workMs / 2);
      ends.push(ms + app.workMs);
    }
    if (app.own !== undefined && happens(app.own.perSecond))
      for (let i = 0; i < app.own.burst; i++) watch.called(prices, false);
  }
  return { named, dropped: watch.dropped };
}

test('an app that drops contexts is named, once for each destination, with counts', () => {
  const { named, dropped } = run({ seconds: 60, requests: 5, workMs: 10, carries: () => false });
  assert.deepEqual(
    named.map(({ destination }) => destination),
    [prices],
  );
  assert.ok(named[0]!.without >= 20 && named[0]!.carried === 0);
  assert.ok(dropped[0]!.without > named[0]!.without, 'it goes on counting');
});

test('so it is under concurrency, as long as it is sometimes idle', () => {
  const busy = { seconds: 120, requests: 20, workMs: 100, carries: () => false };
  assert.equal(run(busy).named.length, 1, 'five of six moments are busy');
});

test('so it is where only some of its calls carry a context', () => {
  const half = { seconds: 120, requests: 5, workMs: 10, carries: (random: Random) => random.oneIn(2) };
  const { named } = run(half);
  assert.equal(named.length, 1);
  assert.ok(named[0]!.carried > 10);
});

test('an app that passes contexts on is never named, whatever it calls on its own', () => {
  for (const requests of [0.1, 1, 10, 50]) {
    for (const own of [
      { perSecond: 0.2, burst: 50 },
      { perSecond: 5, burst: 1 },
      { perSecond: 100, burst: 1 },
    ]) {
      for (const seed of [1, 2, 3]) {
        const { named } = run({ seconds: 120, requests, workMs: 40, carries: () => true, own }, seed);
        assert.deepEqual(named, [], JSON.stringify({ requests, own, seed }));
      }
    }
  }
});

test('of an app that is never idle nothing can be told, and nothing is', () => {
  const clock = new FakeClock();
  const watch = new DroppedContext(clock, () => assert.fail('named'));
  watch.began(clock.monotonic());
  for (let i = 0; i < 500; i++) {
    clock.stall(300);
    watch.called(prices, false);
  }
  assert.deepEqual(watch.dropped, []);
});

test('a hundred destinations are told apart, and memory stays as it is with more', () => {
  const clock = new FakeClock();
  const named: Dropped[] = [];
  const watch = new DroppedContext(clock, each => void named.push(each));
  for (let round = 0; round < 40; round++) {
    clock.stall(1_000);
    watch.began(clock.monotonic());
    for (let i = 0; i < 500; i++) watch.called(`service-${i}`, false);
    clock.stall(1);
    watch.ended(clock.monotonic());
  }
  assert.equal(named.length, 100);
});
