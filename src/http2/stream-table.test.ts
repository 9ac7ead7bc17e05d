import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Stream } from './stream.ts';
import { StreamTable } from './stream-table.ts';

const stream = (id: number): Stream => ({ id }) as Stream;

test('finds what is there and nothing else, as a Map does, whatever comes and goes', () => {
  const table = new StreamTable();
  const map = new Map<number, Stream>();
  let seed = 7;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (seed >>> 8) % below;
  };
  let next = 1;
  for (let step = 0; step < 50_000; step++) {
    // Mostly the newest go, and some live long: their places are met again and again.
    const grows = random(100) < (map.size < 200 ? 55 : 40);
    if (grows) {
      const one = stream(next);
      next += 2 * (1 + random(3));
      table.add(one);
      map.set(one.id, one);
    } else if (map.size > 0) {
      const all = [...map.values()];
      const one =
        all[random(10) === 0 ? random(all.length) : all.length - 1 - random(Math.min(8, all.length))]!;
      table.remove(one);
      map.delete(one.id);
    }
    if (step % 5_000 === 0) table.compact();
    assert.equal(table.size, map.size);
    const asked = 1 + 2 * random(next);
    assert.equal(table.get(asked), map.get(asked));
    if (step % 100 === 0) {
      for (const [id, one] of map) assert.equal(table.get(id), one);
      assert.deepEqual(
        table
          .list()
          .map(({ id }) => id)
          .sort((a, b) => a - b),
        [...map.keys()].sort((a, b) => a - b),
      );
    }
  }
});
