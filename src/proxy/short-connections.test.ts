import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

const program = join(import.meta.dirname, 'testing/short-connections.ts');

test('a connection of an app that is over leaves nothing to full collections', () => {
  // With a Set of open connections it grew by 1,900 to 4,800 bytes for each, or there was a full collection.
  const flags = ['--expose-gc', '--max-semi-space-size=1'];
  const { stdout, stderr } = spawnSync(process.execPath, [...flags, program, '2000', 'plain'], {
    encoding: 'utf8',
  });
  assert.ok(stdout !== '', stderr);
  const { grown, full } = JSON.parse(stdout);
  assert.equal(full, 0, 'full collections');
  assert.ok(grown < 1_000, `the old generation grew by ${grown} bytes for each connection`);
});

test('nor does one between proxies, with its handshake', () => {
  // With sockets and streams of Node's over the handles there were four to nine full collections.
  const flags = ['--expose-gc', '--max-semi-space-size=1'];
  const { stdout, stderr } = spawnSync(process.execPath, [...flags, program, '2000', 'mesh'], {
    encoding: 'utf8',
  });
  assert.ok(stdout !== '', stderr);
  const { grown, full } = JSON.parse(stdout);
  assert.ok(full < 2, `${full} full collections`);
  assert.ok(grown < 3_500, `the old generation grew by ${grown} bytes for each connection`);
});
