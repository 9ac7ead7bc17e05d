// Translators never throw: the golden cases with pieces exchanged for anything, as people and controllers may write it.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import type { Change } from '../registry/index.ts';
import { changesOf } from './testing/from-yaml.ts';
import { Translator } from './translator.ts';

const folder = join(import.meta.dirname, 'golden');
const anything: readonly unknown[] = [
  null,
  '',
  'a',
  '*',
  '-1s',
  '1e9h',
  '(',
  0,
  -1,
  1.5,
  1e300,
  true,
  [],
  [null],
  [[]],
  {},
  { a: {} },
  ['a', 1, {}],
];

/** The same numbers every time (a linear congruential generator). */
function random(): (below: number) => number {
  let state = 1;
  return below => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** A copy with some values exchanged, about one in ten. */
function mutated(value: unknown, next: (below: number) => number): unknown {
  if (next(10) === 0) return anything[next(anything.length)];
  if (Array.isArray(value)) return value.map(each => mutated(each, next));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, mutated(each, next)]));
}

for (const input of globSync('*/*.yaml', { cwd: folder }).sort()) {
  test(`whatever is written instead of ${input}, nothing is thrown`, () => {
    const changes = changesOf(readFileSync(join(folder, input), 'utf8'), basename(input));
    const next = random();
    for (let round = 0; round < 40; round++) {
      const translator = new Translator();
      translator.apply(
        changes.map((change): Change => {
          if (change.type !== 'put') return change;
          const { spec, ...object } = change.stored.object;
          return {
            ...change,
            stored: {
              ...change.stored,
              object: { ...object, spec: mutated(spec, next) } as typeof change.stored.object,
            },
          };
        }),
      );
      const thrown = translator.problems().filter(({ code }) => code === 'translator-failed');
      assert.deepEqual(thrown, []);
    }
  });
}
