import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onInternalError } from '../errors/index.ts';
import { Deadline, FakeClock, systemClock, TimerWheel } from './index.ts';

test('runs once, never early, and at most one tick late', async () => {
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock);
  const ran: number[] = [];
  const delays = [0, 1, 9, 10, 11, 250, 9_999, 10_000, 59_999, 3_600_000];
  const deadlines = delays.map(delay => new Deadline(() => ran.push(delay)));
  for (const [i, deadline] of deadlines.entries()) wheel.schedule(deadline, delays[i]!);
  for (const [i, delay] of delays.entries()) {
    const tickMs = delay < 10_000 ? 10 : 1000;
    if (delay - 1 > clock.monotonic()) {
      await clock.advance(delay - 1 - clock.monotonic());
      assert.ok(!ran.includes(delay), `${delay} ms ran early`);
    }
    await clock.advance(Math.max(0, delay + tickMs - clock.monotonic()));
    assert.equal(ran.filter(value => value === delay).length, 1, `${delay} ms did not run once`);
    assert.equal(deadlines[i]!.scheduled, false);
  }
});

test('a cancelled or moved deadline does not run at its old time, and an idle wheel does not tick', async () => {
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock);
  const ran: string[] = [];
  const cancelled = new Deadline(() => ran.push('cancelled'));
  const moved = new Deadline(() => ran.push('moved'));
  wheel.schedule(cancelled, 100);
  wheel.schedule(moved, 100);
  wheel.cancel(cancelled);
  wheel.cancel(cancelled);
  wheel.schedule(moved, 300);
  await clock.advance(200);
  assert.deepEqual(ran, []);
  await clock.advance(200);
  assert.deepEqual(ran, ['moved']);
  await clock.advance(50);
  assert.equal(clock.pending, 0);
});

test('deadlines that share a slot may cancel and reschedule each other while they run', async () => {
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock);
  const ran: string[] = [];
  const second: Deadline = new Deadline(() => ran.push('second'));
  const first: Deadline = new Deadline(() => {
    ran.push('first');
    wheel.cancel(second);
    if (ran.length < 3) wheel.schedule(first, 0);
  });
  wheel.schedule(second, 50);
  wheel.schedule(first, 50);
  await clock.advance(200);
  assert.deepEqual(ran, ['first', 'first', 'first']);
});

test('a deadline that throws is told and its owner gives up; the others of its tick run', async t => {
  const told: string[] = [];
  onInternalError(({ where, thrown }) => told.push(`${where} ${thrown}`));
  t.after(() => onInternalError(undefined));
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock);
  const done: string[] = [];
  const fail = (): void => {
    throw new Error('injected');
  };
  wheel.schedule(new Deadline(() => done.push('first')), 50);
  wheel.schedule(new Deadline(fail, { onFault: () => done.push('gave up') }), 50);
  wheel.schedule(new Deadline(fail), 50);
  wheel.schedule(new Deadline(() => done.push('last')), 50);
  await clock.advance(60);
  assert.deepEqual(done.sort(), ['first', 'gave up', 'last']);
  assert.deepEqual(told, ['timer Error: injected', 'timer Error: injected']);
  wheel.schedule(new Deadline(() => done.push('later')), 50);
  await clock.advance(60);
  assert.equal(done.at(-1), 'later');
});

test("the machine's clock tells what its callbacks throw, and goes on", async t => {
  const told: string[] = [];
  onInternalError(({ where }) => told.push(where));
  t.after(() => onInternalError(undefined));
  systemClock.after(1, () => {
    throw new Error('injected');
  });
  let calls = 0;
  await new Promise<void>(resolve => {
    const keepAlive = setInterval(() => {}, 1_000);
    const stop = systemClock.every(1, () => {
      calls++;
      if (calls < 3) throw new Error('injected');
      stop();
      clearInterval(keepAlive);
      resolve();
    });
  });
  assert.ok(told.length >= 2 && told.every(where => where === 'clock'));
});

test('after a stall what has come is read before anything counts as late', async () => {
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock);
  const ran: string[] = [];
  const waits = new Deadline(() => ran.push('gave up'));
  wheel.schedule(waits, 100);
  await clock.advance(20);
  clock.stall(500);
  // The event loop hears of its sockets between its timers and the next round of them.
  clock.after(0, () => {
    ran.push('the answer');
    wheel.cancel(waits);
  });
  await clock.advance(1_000);
  assert.deepEqual(ran, ['the answer']);
});

test('a deadline with grace does not count the time in which the process did not run, up to its grace', async () => {
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock);
  const ran: string[] = [];
  const strict = new Deadline(() => ran.push('strict'));
  const kind = new Deadline(() => ran.push('kind'));
  kind.graceMs = 600;
  wheel.schedule(strict, 100);
  wheel.schedule(kind, 100);
  await clock.advance(20);
  clock.stall(500);
  await clock.advance(30);
  assert.deepEqual(ran, ['strict']);
  await clock.advance(490 - clock.monotonic() + 80);
  assert.deepEqual(ran, ['strict'], 'the 500 ms are given back');
  clock.stall(5_000);
  await clock.advance(200);
  assert.deepEqual(ran, ['strict', 'kind'], 'grace is used up');
});

test('without a stall grace changes nothing', async () => {
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock);
  const ran: number[] = [];
  const deadline = new Deadline(() => ran.push(clock.monotonic()));
  deadline.graceMs = 10_000;
  wheel.schedule(deadline, 100);
  await clock.advance(200);
  assert.deepEqual(ran, [100]);
});
