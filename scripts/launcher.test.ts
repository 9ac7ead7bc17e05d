import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { launcher } from './launcher.ts';

test('a Node that is too old is told so in words, before it reads a line of the program', t => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-launcher-'));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'programs'));
  const run = (needed?: number) => {
    writeFileSync(join(folder, 'weft.mjs'), launcher('weft', needed));
    return spawnSync(process.execPath, [join(folder, 'weft.mjs'), 'a', 'b'], { encoding: 'utf8' });
  };
  writeFileSync(join(folder, 'programs/weft.mjs'), 'this is no JavaScript at all');
  const old = run(999);
  assert.deepEqual([old.status, old.stdout], [1, '']);
  assert.match(old.stderr, /^weft needs Node 999 or newer, and this is v\d+\.\d+\.\d+ \(.*\); install it/);
  writeFileSync(join(folder, 'programs/weft.mjs'), 'console.log(process.argv.slice(2).join())');
  const fine = run();
  assert.deepEqual([fine.status, fine.stdout, fine.stderr], [0, 'a,b\n', '']);
});
