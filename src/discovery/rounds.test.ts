import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../time/index.ts';
import { Rounds } from './rounds.ts';

interface Visited {
  readonly atMs: number[];
  onFault(): void;
}

function rounds(everyMs: number, count: number) {
  const clock = new FakeClock();
  const all = new Set<Visited>();
  const add = (): Visited => {
    const each: Visited = { atMs: [], onFault() {} };
    all.add(each);
    return each;
  };
  for (let made = 0; made < count; made++) add();
  let together = 0;
  let most = 0;
  let lastMs = -1;
  const made = new Rounds<Visited>({
    ...{ clock, all, name: 'test' },
    everyMs: () => everyMs,
    visit: each => {
      together = clock.monotonic() === lastMs ? together + 1 : 1;
      lastMs = clock.monotonic();
      most = Math.max(most, together);
      each.atMs.push(lastMs);
    },
  });
  return { clock, all, add, made, most: () => most };
}

test('ten thousand are visited once in a round, and no more than a turn has to visit at a time', async () => {
  const { clock, all, made, most } = rounds(15_000, 10_000);
  const stop = made.start();
  await clock.advance(45_000);
  stop();
  for (const { atMs } of all) {
    assert.ok(atMs.length === 3 || atMs.length === 2, `${atMs.length} visits in three rounds`);
    for (let at = 1; at < atMs.length; at++) assert.ok(Math.abs(atMs[at]! - atMs[at - 1]! - 15_000) <= 200);
  }
  assert.ok(most() <= 67, `${most()} at a time`);
  await clock.advance(60_000);
  assert.ok(
    [...all].every(({ atMs }) => atMs.length <= 3),
    'nobody is visited after the end',
  );
});

test('one alone is visited as often as one of many, and who comes or goes is taken as it is', async () => {
  const { clock, all, add, made } = rounds(1_000, 1);
  made.start();
  const [first] = all;
  await clock.advance(10_050);
  assert.ok(first!.atMs.length >= 9 && first!.atMs.length <= 10, `${first!.atMs.length}`);
  const second = add();
  all.delete(first!);
  const before = first!.atMs.length;
  await clock.advance(5_000);
  assert.equal(first!.atMs.length, before);
  assert.ok(second.atMs.length >= 4 && second.atMs.length <= 6, `${second.atMs.length}`);
  all.delete(second);
  await clock.advance(5_000);
});

test('after a standstill nobody is visited twice to make up for it', async () => {
  const { clock, all, made } = rounds(1_000, 10);
  made.start();
  await clock.advance(1_000);
  const before = [...all].map(({ atMs }) => atMs.length);
  clock.stall(60_000);
  await clock.advance(0);
  const since = [...all].map(({ atMs }, at) => atMs.length - before[at]!);
  assert.deepEqual(since, Array(10).fill(1));
});
