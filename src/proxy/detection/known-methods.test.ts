import assert from 'node:assert/strict';
import { METHODS } from 'node:http';
import { test } from 'node:test';
import { KNOWN_METHODS } from './known-methods.ts';

test('the methods that detection knows are those that a server on this Node knows', () => {
  assert.deepEqual([...KNOWN_METHODS].sort(), [...METHODS].sort());
});
