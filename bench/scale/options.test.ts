import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { scaleOptions } from './options.ts';

test('what is not said has the size of docs/scale.md', () => {
  const options = scaleOptions(['--replicas', '3']);
  assert.ok(typeof options === 'object');
  assert.deepEqual([options.proxies, options.services, options.replicas], [10_000, 1_000, 3]);
});

const wrong: readonly (readonly [args: readonly string[], says: RegExp])[] = [
  [['--proxies', 'x'], /^--proxies is 'x'; it takes a whole number from 1 to 1000000, as 10000$/],
  [['--proxies', '0'], /^--proxies is '0'; it takes/],
  [['--proxies='], /^--proxies is ''; it takes/],
  [['--seconds', '1.5'], /^--seconds is '1.5'; it takes/],
  [['--services', '1e3'], /^--services is '1e3'; it takes/],
  [['--proxies', '10'], /^--proxies 10 is less than --services 1000; each Service needs a pod/],
  [['--signal', 'SIGSTOP'], /^--signal is 'SIGSTOP'; it takes SIGKILL, SIGTERM, SIGINT$/],
  [['--proxy', '10'], /^Unknown option '--proxy'; there are --proxies, --services/],
  [['10'], /^Unexpected argument '10'.*; there are --proxies/],
];

for (const [args, says] of wrong) {
  test(`${args.join(' ')} is refused in one line`, () => {
    const found = scaleOptions(args);
    assert.ok(typeof found === 'string');
    assert.match(found, says);
    assert.ok(!found.includes('\n'), found);
  });
}

test('the program says it before it starts anything, and without a stack', () => {
  const main = join(import.meta.dirname, 'main.ts');
  const { status, stderr, stdout } = spawnSync(process.execPath, [main, '--proxies', 'x'], {
    encoding: 'utf8',
  });
  assert.equal(status, 2);
  assert.equal(stdout, '');
  assert.match(stderr, /^scale: --proxies is 'x'; it takes [^\n]*\n$/);
});
