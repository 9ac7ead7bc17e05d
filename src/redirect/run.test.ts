import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemRun } from './run.ts';

const timers = (): number => process.getActiveResourcesInfo().filter(name => name === 'Timeout').length;

test('a command that is not there is said to be missing, and nothing keeps the process afterwards', async () => {
  const before = timers();
  const { missing, code } = await systemRun()('weft-no-such-command', []);
  assert.deepEqual({ missing, code }, { missing: true, code: undefined });
  assert.equal(timers(), before);
});

test('what a command says and how it ends is reported, and nothing keeps the process afterwards', async () => {
  const before = timers();
  const { stdout, stderr, code } = await systemRun()('sh', ['-c', 'cat; echo no >&2; exit 3'], 'yes');
  assert.deepEqual({ stdout, stderr, code }, { stdout: 'yes', stderr: 'no\n', code: 3 });
  assert.equal(timers(), before);
});
