import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_RETRY } from '../../model/index.ts';
import { backoffMs } from './retry-rules.ts';

test('waits between tries grow from nothing up to the longest, and begin with the shortest where the policy has one', () => {
  const policy = { ...DEFAULT_RETRY, backoffBaseMs: 100, backoffMaxMs: 350 };
  const between = (more: object): readonly (readonly [number, number])[] =>
    [1, 2, 3, 4].map(retry => [
      backoffMs({ ...policy, ...more }, retry, 0),
      backoffMs({ ...policy, ...more }, retry, 1),
    ]);
  assert.deepEqual(between({}), [
    [0, 100],
    [0, 200],
    [0, 350],
    [0, 350],
  ]);
  assert.deepEqual(between({ backoffMinMs: 100 }), [
    [100, 200],
    [100, 300],
    [100, 450],
    [100, 450],
  ]);
});
