import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AddressPool } from './addresses.ts';

test('hands out every address once, and comes back to a freed one only after all others', () => {
  const pool = new AddressPool('10.0.0.0/29', 1);
  const first = [pool.take(), pool.take()];
  assert.deepEqual(first, ['10.0.0.1', '10.0.0.2']);
  pool.release('10.0.0.1');
  const rest = [pool.take(), pool.take(), pool.take(), pool.take(), pool.take()];
  assert.deepEqual(rest, ['10.0.0.3', '10.0.0.4', '10.0.0.5', '10.0.0.6', '10.0.0.1']);
  assert.equal(pool.take(), undefined);
});

test('an address that was claimed is not handed out', () => {
  const pool = new AddressPool('10.0.1.0/24', 1);
  assert.equal(pool.claim('10.0.1.1'), true);
  assert.equal(pool.claim('10.0.1.1'), false);
  assert.equal(pool.take(), '10.0.1.2');
});
