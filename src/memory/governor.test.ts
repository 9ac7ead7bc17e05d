import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../time/index.ts';
import { LEVELS, MemoryGovernor, type MemoryMachine, type MemoryUse, type Relief } from './index.ts';

const MB = 1024 * 1024;
const idleMb = 28;
const limitMb = 128;

/** A process by hand: what it needs and what garbage lies about, in MB beside what it needs when idle. */
class Process implements MemoryMachine {
  readonly limits: MemoryUse;
  neededMb = 0;
  garbageMb = 0;
  collections = 0;
  whenCollecting: () => void = () => {};

  constructor(limits: Partial<MemoryUse> = { residentBytes: limitMb * MB }) {
    this.limits = { residentBytes: Number.POSITIVE_INFINITY, heapBytes: Number.POSITIVE_INFINITY, ...limits };
  }

  use(): MemoryUse {
    const bytes = (idleMb + this.neededMb + this.garbageMb) * MB;
    return { residentBytes: bytes, heapBytes: bytes };
  }

  collect(): void {
    this.collections++;
    this.garbageMb = 0;
    this.whenCollecting();
  }
}

function governed(machine = new Process()) {
  const clock = new FakeClock();
  const told: Relief[] = [];
  const stages: string[] = [];
  const governor = new MemoryGovernor(clock, machine, {
    relieve: relief => void told.push(relief),
    staged: stage => void stages.push(stage),
  });
  governor.start();
  return { clock, machine, told, stages, governor };
}

/** MB that are this share of the room. */
const share = (of: number): number => of * (limitMb - idleMb);

test('garbage alone begins no stage, however much of it there is', async () => {
  const { clock, machine, told, stages } = governed();
  machine.neededMb = share(0.3);
  for (let i = 0; i < 100; i++) {
    machine.garbageMb = Math.min(machine.garbageMb + share(0.15), share(0.65));
    await clock.advance(250);
  }
  assert.deepEqual(stages, []);
  assert.ok(told.every(relief => relief.stage === 'none'));
  assert.ok(machine.collections > 0 && machine.collections <= 25, `${machine.collections} collections`);
});

test('without pressure nothing is collected and nothing told', async () => {
  const { clock, machine, told } = governed();
  machine.neededMb = share(LEVELS.slow.from) - 1;
  await clock.advance(600_000);
  assert.deepEqual([machine.collections, told.length], [0, 0]);
});

test('stages begin at their share of what is needed, and end by themselves below a lower one', async () => {
  const { clock, machine, stages, governor } = governed();
  const steps: [number, string][] = [
    [0.61, 'slow'],
    [0.76, 'refuse'],
    [0.7, 'refuse'],
    [0.6, 'slow'],
    [0.55, 'slow'],
    [0.49, 'none'],
    [0.59, 'none'],
    [0.8, 'refuse'],
    [0.1, 'none'],
  ];
  for (const [needed, stage] of steps) {
    machine.neededMb = share(needed);
    await clock.advance(2_000);
    assert.equal(governor.stage, stage, `at ${needed}`);
    if (stage === 'none') assert.ok(governor.accepting);
  }
  assert.deepEqual(stages, ['slow', 'refuse', 'slow', 'none', 'refuse', 'none']);
  assert.deepEqual(governor.begun, { slow: 2, refuse: 2 });
});

test('a peak ends its stage at the next look, without a collection', async () => {
  const { clock, machine, governor } = governed();
  machine.neededMb = share(0.8);
  await clock.advance(250);
  const { collections } = machine;
  machine.neededMb = share(0.2);
  await clock.advance(250);
  assert.deepEqual([governor.stage, machine.collections], ['none', collections]);
});

test('a flood between two collections is not let grow until the next', async () => {
  const { clock, machine, governor } = governed();
  machine.garbageMb = share(0.65);
  await clock.advance(250);
  assert.deepEqual([machine.collections, governor.accepting], [1, true]);
  machine.neededMb = share(0.8);
  await clock.advance(250);
  assert.deepEqual([machine.collections, governor.accepting, governor.stage], [1, false, 'none']);
  await clock.advance(1_000);
  assert.equal(governor.stage, 'refuse');
});

test('what stays short of memory accepts again after ten seconds, until that costs a tenth of the room', async () => {
  const { clock, machine, governor } = governed();
  machine.neededMb = share(0.7);
  await clock.advance(9_000);
  assert.deepEqual([governor.stage, governor.accepting], ['slow', false]);
  await clock.advance(3_000);
  assert.deepEqual([governor.stage, governor.accepting], ['slow', true]);
  await clock.advance(60_000);
  assert.equal(governor.accepting, true, 'nothing comes of it');
  machine.neededMb = share(0.81);
  await clock.advance(1_500);
  assert.deepEqual([governor.stage, governor.accepting], ['refuse', false]);
});

test('once a stage is over connections come back by and by, not all at once', async () => {
  const { clock, machine, told } = governed();
  machine.neededMb = share(0.8);
  await clock.advance(1_000);
  machine.neededMb = share(0.3);
  told.length = 0;
  await clock.advance(2_000);
  const rooms = told.map(({ room }) => room);
  assert.deepEqual(rooms, [16, 32, 64, 128, 256, 512, 1_024, 2_048, 4_096, Number.POSITIVE_INFINITY]);
});

test('what is stuck is given up when requests are refused, or when a stage lasts, and only after collections', async () => {
  const { clock, machine, told } = governed();
  const hard = (): number => told.splice(0).filter(relief => relief.hard).length;
  machine.neededMb = share(0.65);
  await clock.advance(4_500);
  assert.equal(hard(), 0);
  await clock.advance(2_000);
  assert.ok(hard() >= 1);
  machine.neededMb = share(0.8);
  const before = machine.collections;
  await clock.advance(5_000);
  assert.equal(hard(), machine.collections - before);
});

test('growth within one turn of the loop stops what is accepted at once, gives up what has begun above the hard limit, and passes', async () => {
  const clock = new FakeClock();
  const machine = new Process();
  const crowds: boolean[] = [];
  const governor = new MemoryGovernor(clock, machine, {
    relieve() {},
    crowd: crowded => void crowds.push(crowded),
  });
  governor.start();
  for (const needed of [0.7, 0.8, 0.95]) {
    machine.garbageMb = share(needed);
    governor.grown();
  }
  assert.deepEqual([crowds, governor.accepting, machine.collections], [[false, true], false, 0]);
  await clock.advance(100);
  assert.deepEqual([governor.accepting, governor.restrained, governor.stage], [true, true, 'none']);
  await clock.advance(2_000);
  assert.equal(governor.restrained, false);
});

test('above the hard limit nothing is accepted for as long as it lasts', async () => {
  const { clock, machine, governor } = governed();
  machine.neededMb = share(0.95);
  for (let i = 0; i < 100; i++) {
    await clock.advance(1_000);
    assert.deepEqual([governor.stage, governor.accepting], ['refuse', false]);
  }
  machine.neededMb = share(0.1);
  await clock.advance(250);
  assert.deepEqual([governor.stage, governor.accepting], ['none', true]);
});

test('collections take a tenth of the time at most', async () => {
  const { clock, machine } = governed();
  let tookMs = 0;
  machine.neededMb = share(0.65);
  // A collection of 400 ms, in which the clock goes on.
  const monotonic = clock.monotonic.bind(clock);
  clock.monotonic = () => monotonic() + tookMs;
  machine.whenCollecting = () => (tookMs += 400);
  await clock.advance(60_000);
  assert.ok(machine.collections >= 5, `${machine.collections}`);
  assert.ok(tookMs <= (60_000 + tookMs) / 10 + 400, `${tookMs} ms of collecting`);
});

test('a small limit, nearly all of which an idle proxy needs, is no pressure', async () => {
  const { clock, stages, machine } = governed(new Process({ residentBytes: (idleMb + 1) * MB }));
  await clock.advance(10_000);
  assert.deepEqual([stages, machine.collections], [[], 0]);
});

test('the heap counts where it is nearer to its end, and without limits nothing does', async () => {
  const heap = governed(new Process({ residentBytes: 10_000 * MB, heapBytes: limitMb * MB }));
  heap.machine.neededMb = share(0.65);
  await heap.clock.advance(1_000);
  assert.equal(heap.governor.stage, 'slow');
  assert.equal(heap.governor.nearest.limitBytes, limitMb * MB);
  const free = governed(new Process({}));
  free.machine.neededMb = 100_000;
  await free.clock.advance(60_000);
  assert.deepEqual([free.governor.stage, free.machine.collections], ['none', 0]);
});

test('property: whatever memory does, a proxy is never locked up', async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = generator(seed);
    const { clock, machine, governor, told } = governed();
    let hardSinceMs = 0;
    let noneSinceMs = 0;
    let pausedSinceMs: number | undefined;
    for (let step = 0; step < 400; step++) {
      if (random() < 0.1) machine.neededMb = share(random() ** 0.7 * 1.05);
      machine.garbageMb = Math.max(0, machine.garbageMb + share(random() * 0.3 - 0.1));
      const heldMs = 250 * (1 + Math.floor(random() * 8));
      await clock.advance(heldMs);
      const nowMs = clock.monotonic();
      if (machine.neededMb >= share(LEVELS.hard)) hardSinceMs = nowMs;
      if (governor.accepting) pausedSinceMs = undefined;
      else pausedSinceMs ??= nowMs;
      const pausedForMs = nowMs - Math.max(pausedSinceMs ?? nowMs, hardSinceMs);
      assert.ok(pausedForMs <= 15_000, `seed ${seed}: accepts nothing for ${pausedForMs} ms`);
      if (governor.stage !== 'none') noneSinceMs = nowMs;
      if (nowMs - noneSinceMs > 3_000)
        assert.ok(pausedForMs <= 1_100, `seed ${seed}: paused without a stage`);
    }
    machine.neededMb = share(0.3);
    await clock.advance(5_000);
    assert.deepEqual([governor.stage, governor.accepting], ['none', true], `seed ${seed}: ends by itself`);
    const last = told.at(-1);
    if (last !== undefined) assert.deepEqual([last.stage, last.room], ['none', Number.POSITIVE_INFINITY]);
  }
});

/** Numbers from 0 to 1 that a seed decides. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
