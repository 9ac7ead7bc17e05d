import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearestName } from './index.ts';

test('the nearest of several names is meant, not the first', () => {
  assert.equal(nearestName('listner', ['listeners', 'listener']), 'listener');
  assert.equal(nearestName('ADRESS', ['address']), 'address');
});

test('three changed letters are something else, and so is any of a name of one', () => {
  assert.equal(nearestName('upstream', ['uptrxxm']), undefined);
  assert.equal(nearestName('ip', ['id']), 'id');
  assert.equal(nearestName('a', ['b']), undefined);
});
