import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IntrusiveSet, NO_SEAT } from './index.ts';

class Member {
  seat = NO_SEAT;
  other = NO_SEAT;
}

test('whatever comes and goes, it has the members that a Set has', () => {
  const set = new IntrusiveSet<'seat', Member>('seat');
  const model = new Set<Member>();
  const all = Array.from({ length: 40 }, () => new Member());
  let state = 7;
  for (let step = 0; step < 5_000; step++) {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    const member = all[(state >> 8) % all.length]!;
    if (state % 3 === 0) assert.equal(set.delete(member), model.delete(member));
    else {
      set.add(member);
      model.add(member);
    }
    assert.equal(set.has(member), model.has(member));
    assert.equal(set.size, model.size);
    assert.equal(member.seat === NO_SEAT, !model.has(member));
    if (step % 100 === 0) assert.deepEqual(new Set(set), model);
  }
  set.clear();
  assert.deepEqual([set.size, [...set]], [0, []]);
});

test('a loop goes through those that were there when it began', () => {
  const set = new IntrusiveSet<'seat', Member>('seat');
  const all = Array.from({ length: 5 }, () => new Member());
  for (const member of all) set.add(member);
  const seen: Member[] = [];
  for (const member of set) {
    seen.push(member);
    set.delete(member);
    set.add(new Member());
  }
  assert.deepEqual(seen, all);
  assert.equal(set.size, 5);
});

test('a member is in two sets by two seats, and in none of another set', () => {
  const [seats, others] = [
    new IntrusiveSet<'seat', Member>('seat'),
    new IntrusiveSet<'other', Member>('other'),
  ];
  const [first, second] = [new Member(), new Member()];
  seats.add(first);
  others.add(second);
  others.add(first);
  assert.equal(seats.delete(second), false);
  assert.equal(seats.delete(first), true);
  assert.deepEqual([seats.size, others.size, others.has(first)], [0, 2, true]);
  const strange = new IntrusiveSet<'other', Member>('other');
  assert.equal(strange.delete(first), false);
  assert.equal(first.other, 1);
});
