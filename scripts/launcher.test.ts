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
    writeFileSync(join(folder, 'weft.mjs'), launcher('weft', 'programs/weft.mjs', needed));
    return spawnSync(process.execPath, [join(folder, 'weft.mjs'), 'a', 'b'], { encoding: 'utf8' });
  };
  writeFileSync(join(folder, 'programs/weft.mjs'), 'this is no JavaScript at all');
  const old = run(999);
  assert.deepEqual([old.status, old.stdout], [1, '']);
  assert.match(old.stderr, /^weft needs Node 999 or newer, and this is v\d+\.\d+\.\d+ \(.*\); install it/);
  // What it says to run is run: where the fetched Node lies has changed before, and words did not follow.
  const command = /in the checkout: (export PATH=.*)$/m.exec(old.stderr)![1]!;
  const cwd = join(import.meta.dirname, '..');
  const { stdout } = spawnSync('bash', ['-c', `${command} && node --version`], { cwd, encoding: 'utf8' });
  assert.match(stdout, /^v(2[4-9]|[3-9]\d)\./);
  writeFileSync(join(folder, 'programs/weft.mjs'), 'console.log(process.argv.slice(2).join())');
  const fine = run();
  assert.deepEqual([fine.status, fine.stdout, fine.stderr], [0, 'a,b\n', '']);
});
