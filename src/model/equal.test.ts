import assert from 'node:assert/strict';
import { test } from 'node:test';
import { equal } from './index.ts';

const same: [unknown, unknown][] = [
  [1, 1],
  [Number.NaN, Number.NaN],
  [null, null],
  [{ a: [1, { b: 2 }] }, { a: [1, { b: 2 }] }],
  [{ a: 1, b: undefined }, { a: 1 }],
  [{ a: 1 }, { a: 1, b: undefined }],
  [new Map([['a', { b: 1 }]]), new Map([['a', { b: 1 }]])],
];
const different: [unknown, unknown][] = [
  [1, '1'],
  [null, undefined],
  [null, {}],
  [[], {}],
  [{}, new Map()],
  [[1, 2], [1]],
  [{ a: 1 }, { b: 1 }],
  [{ a: { b: 1 } }, { a: { b: 2 } }],
  [new Map([['a', 1]]), new Map([['b', 1]])],
  [new Map([['a', undefined]]), new Map([['b', undefined]])],
];
test('data that says the same is equal', () => {
  for (const [left, right] of same) assert.ok(equal(left, right), `${JSON.stringify([left, right])}`);
});
test('data that differs is not equal, from either side', () => {
  for (const [left, right] of different) {
    assert.ok(!equal(left, right) && !equal(right, left), `${JSON.stringify([left, right])}`);
  }
});
