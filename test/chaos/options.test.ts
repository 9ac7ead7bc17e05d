import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { FAULTS } from './faults.ts';
import { chaosOptions } from './options.ts';

test('every fault is done once unless something else is said', () => {
  const all = chaosOptions([]);
  assert.ok(typeof all === 'object');
  assert.deepEqual([all.rows.length, all.times, all.write], [FAULTS.length, 1, false]);
  const [one] = FAULTS;
  const chosen = chaosOptions([`--only=${one!.name}`, '--times=3', '--seed=0']);
  assert.ok(typeof chosen === 'object');
  assert.deepEqual([chosen.rows, chosen.times, chosen.seed], [[one], 3, 0]);
});

const wrong: readonly (readonly [args: readonly string[], says: RegExp])[] = [
  [['--only='], /^there is no fault ; there are \w/],
  [['--only=nothing,never'], /^there is no fault nothing, never; there are \w/],
  [['--times=x'], /^--times is 'x'; it takes a whole number from 1$/],
  [['--seconds=0'], /^--seconds is '0'; it takes/],
  [['--seed=-1'], /^--seed is '-1'; it takes a whole number from 0$/],
  [['--often'], /^Unknown option '--often'; there are --short/],
];

for (const [args, says] of wrong) {
  test(`${args.join(' ')} is refused in one line`, () => {
    const found = chaosOptions(args);
    assert.ok(typeof found === 'string');
    assert.match(found, says);
    assert.ok(!found.includes('\n'), found);
  });
}

test('the program says it before a mesh is brought up, and without a stack', () => {
  const main = join(import.meta.dirname, 'main.ts');
  const { status, stderr, stdout } = spawnSync(process.execPath, [main, '--only=nothing'], {
    encoding: 'utf8',
  });
  assert.equal(status, 2);
  assert.equal(stdout, '');
  assert.match(stderr, /^chaos: there is no fault nothing; there are [^\n]*\n$/);
});
