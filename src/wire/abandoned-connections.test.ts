import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

const program = join(import.meta.dirname, 'testing/abandoned-connections.ts');

test('a connection that is over leaves nothing to full collections', () => {
  // Where a request has a function of its own (see native.ts) there is a full collection, and 300 bytes since the last.
  const { stdout, stderr } = spawnSync(process.execPath, ['--max-semi-space-size=1', program, '2000'], {
    encoding: 'utf8',
  });
  assert.ok(stdout !== '', stderr);
  const { grown, full } = JSON.parse(stdout);
  assert.equal(full, 0, 'full collections');
  assert.ok(grown < 100, `the old generation grew by ${grown} bytes for each connection`);
});
