import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../time/index.ts';
import { Reclaimer, type ReclaimMachine } from './index.ts';

const MB = 2 ** 20;

/** A process by hand, in MB: what it needs, what malloc keeps, and V8's garbage. */
class Process implements ReclaimMachine {
  neededMb = 18;
  keptMb = 0;
  garbageMb = 0;
  trims = 0;
  collections = 0;
  whenCollecting = (): void => {};

  use() {
    return {
      residentBytes: (this.neededMb + this.keptMb + this.garbageMb) * MB,
      heapBytes: (this.neededMb / 2 + this.garbageMb) * MB,
    };
  }
  trim(): void {
    this.trims++;
    this.keptMb = 0;
  }
  collect(): void {
    this.collections++;
    this.keptMb = 0;
    this.garbageMb = 0;
    this.whenCollecting();
  }
}

function reclaiming() {
  const clock = new FakeClock();
  const machine = new Process();
  const state = { quiet: false };
  const reclaimer = new Reclaimer(clock, machine, () => state.quiet);
  reclaimer.start();
  return { clock, machine, state, reclaimer };
}

test('under load what malloc keeps goes back, and nothing is collected however much garbage there is', async () => {
  const { clock, machine } = reclaiming();
  await clock.advance(2_000);
  const { trims } = machine;
  machine.garbageMb = 30;
  for (let i = 0; i < 20; i++) {
    machine.keptMb = 10;
    await clock.advance(2_000);
    assert.equal(machine.keptMb, 0);
  }
  assert.deepEqual([machine.collections, machine.trims - trims], [0, 20]);
});

test('memory that does not grow costs a look and nothing else', async () => {
  const { clock, machine } = reclaiming();
  await clock.advance(2_000);
  const { trims } = machine;
  for (let i = 0; i < 100; i++) {
    machine.keptMb = i % 2;
    await clock.advance(2_000);
  }
  assert.equal(machine.trims, trims);
});

test('garbage is collected once nothing has been under way for some looks, and again only after it has grown', async () => {
  const { clock, machine, state, reclaimer } = reclaiming();
  machine.garbageMb = 6;
  state.quiet = true;
  await clock.advance(4_000);
  state.quiet = false;
  await clock.advance(2_000);
  state.quiet = true;
  await clock.advance(4_000);
  assert.equal(machine.collections, 0, 'a request in between begins it anew');
  await clock.advance(2_000);
  assert.equal(machine.collections, 1);
  assert.equal(reclaimer.returnedBytes, 6 * MB);
  machine.garbageMb = 4;
  await clock.advance(600_000);
  assert.equal(machine.collections, 1, 'what comes and goes is left alone');
  machine.garbageMb = 5;
  await clock.advance(2_000);
  assert.equal(machine.collections, 2);
});

test('what is needed and not garbage is not collected for again and again', async () => {
  const { clock, machine, state } = reclaiming();
  state.quiet = true;
  await clock.advance(10_000);
  const { collections } = machine;
  machine.neededMb = 60;
  await clock.advance(600_000);
  assert.equal(machine.collections, collections + 1);
});

test('a large heap is left to V8, and a long collection is not repeated soon', async () => {
  const { clock, machine, state } = reclaiming();
  state.quiet = true;
  machine.garbageMb = 90;
  await clock.advance(20_000);
  assert.equal(machine.collections, 0);
  machine.garbageMb = 40;
  let tookMs = 0;
  const monotonic = clock.monotonic.bind(clock);
  clock.monotonic = () => monotonic() + tookMs;
  machine.whenCollecting = () => (tookMs += 300);
  await clock.advance(2_000);
  assert.equal(machine.collections, 1);
  machine.garbageMb = 20;
  await clock.advance(290_000);
  assert.equal(machine.collections, 1);
  await clock.advance(20_000);
  assert.equal(machine.collections, 2);
});
