import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ShardedMap } from './index.ts';

test('a changed map has the changes and the map before does not', () => {
  const before = ShardedMap.of([
    ['a', 1],
    ['b', 2],
  ]);
  const after = before.with(
    new Map<string, number | undefined>([
      ['a', undefined],
      ['c', 3],
      ['absent', undefined],
    ]),
  );
  assert.deepEqual(Object.fromEntries(before), { a: 1, b: 2 });
  assert.deepEqual(Object.fromEntries(after), { b: 2, c: 3 });
  assert.deepEqual([before.size, after.size, after.has('a'), after.get('c')], [2, 2, false, 3]);
});

test('behaves like Map over thousands of random changes', () => {
  let map = ShardedMap.empty<number>();
  const plain = new Map<string, number>();
  let seed = 1;
  const next = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return seed % below;
  };
  for (let round = 0; round < 300; round++) {
    const changes = new Map<string, number | undefined>();
    for (let count = next(20); count >= 0; count--) {
      const key = `shop/service-${next(500)}`;
      const value = next(3) === 0 ? undefined : next(1000);
      changes.set(key, value);
      if (value === undefined) plain.delete(key);
      else plain.set(key, value);
    }
    map = map.with(changes);
  }
  assert.equal(map.size, plain.size);
  assert.deepEqual([...map].sort(), [...plain].sort());
});
