import assert from 'node:assert/strict';
import { test } from 'node:test';
import { patchOf } from './patch.ts';
import { applyPatch } from './testing/apply-patch.ts';
import { Random } from './testing/random.ts';

test('equal values need no operation', () => {
  assert.deepEqual(patchOf({ a: [1, { b: null }] }, { a: [1, { b: null }] }), []);
});

test('an element put first in a list is one add', () => {
  const value = { name: 'weft-proxy' };
  assert.deepEqual(patchOf([{ name: 'a' }, { name: 'b' }], [value, { name: 'a' }, { name: 'b' }]), [
    { op: 'add', path: '/0', value },
  ]);
});

test('an element that only changed inside is changed inside', () => {
  const before = { c: [{ name: 'app', probe: { port: 1 } }] };
  const after = { c: [{ name: 'new' }, { name: 'app', probe: { port: 2 } }] };
  assert.deepEqual(patchOf(before, after), [
    { op: 'replace', path: '/c/0/probe/port', value: 2 },
    { op: 'add', path: '/c/0', value: { name: 'new' } },
  ]);
});

test('elements of different names are never turned into one another', () => {
  const operations = patchOf([{ name: 'a', x: 1 }], [{ name: 'b', x: 1 }]).map(({ op }) => op);
  assert.deepEqual(operations.toSorted(), ['add', 'remove']);
});

test('slash and tilde in keys are escaped', () => {
  assert.deepEqual(patchOf({}, { 'weft.dev/a~b': 'x' }), [
    { op: 'add', path: '/weft.dev~1a~0b', value: 'x' },
  ]);
});

test('null is a value and undefined is none', () => {
  assert.deepEqual(patchOf({ a: 1, b: undefined }, { a: null, c: undefined }), [
    { op: 'replace', path: '/a', value: null },
  ]);
});

test('a field named like part of every object is a field like any other', () => {
  const after: unknown = JSON.parse('{"__proto__": {"x": 1}, "constructor": 2}');
  assert.deepEqual(
    patchOf({}, after).map(({ path }) => path),
    ['/__proto__', '/constructor'],
  );
});

test('lists too long to align are replaced', () => {
  const before = Array.from({ length: 700 }, (_, index) => index);
  const patch = patchOf({ list: before }, { list: before.toReversed() });
  assert.deepEqual(patch, [{ op: 'replace', path: '/list', value: before.toReversed() }]);
});

test('the patch between any two values gives the second', () => {
  for (let seed = 1; seed <= 5000; seed++) {
    const random = new Random(seed);
    const before = randomJson(random, 0);
    const after = random.chance(0.5) ? randomJson(random, 0) : mutate(random, before);
    assert.deepEqual(applyPatch(before, patchOf(before, after)), after, `seed ${seed}`);
  }
});

function randomJson(random: Random, depth: number): unknown {
  const sort = depth > 3 ? 0 : random.below(3);
  if (sort === 0) return random.pick<unknown>([null, true, 0, 1, 'a', 'b', '']);
  const size = random.below(5);
  if (sort === 1) return Array.from({ length: size }, () => randomJson(random, depth + 1));
  const keys = ['name', 'a', 'b/c', '~', 'name'];
  return Object.fromEntries(
    Array.from({ length: size }, (_, index) => [keys[index]!, randomJson(random, depth + 1)]),
  );
}

function mutate(random: Random, value: unknown): unknown {
  if (random.chance(0.1)) return randomJson(random, 2);
  if (Array.isArray(value)) {
    const kept = value.filter(() => random.chance(0.9)).map(entry => mutate(random, entry));
    return random.chance(0.3)
      ? kept.toSpliced(random.below(kept.length + 1), 0, randomJson(random, 3))
      : kept;
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, mutate(random, entry)]));
}
