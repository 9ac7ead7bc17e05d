import assert from 'node:assert/strict';
import { test } from 'node:test';
import { appHasEnded, readExitWithApp } from './app-exit.ts';

const ended = (...codes: [string, number][]) =>
  codes.map(([container, exitCode]) => ({ container, exitCode }));

test('under Never every container must have ended, with whatever code', () => {
  const exit = readExitWithApp('{"restartPolicy":"Never","containers":["app","helper"]}')!;
  assert.equal(appHasEnded(exit, undefined), false);
  assert.equal(appHasEnded(exit, ended(['app', 0])), false);
  assert.equal(appHasEnded(exit, ended(['app', 1], ['helper', 137], ['weft-proxy', 0])), true);
});

test('under OnFailure a container that failed has not ended for good', () => {
  const exit = readExitWithApp('{"restartPolicy":"OnFailure","containers":["app"]}')!;
  assert.equal(appHasEnded(exit, ended(['app', 1])), false);
  assert.equal(appHasEnded(exit, ended(['app', 0])), true);
});

test('what is not set is nothing, and what is unreadable is refused', () => {
  assert.equal(readExitWithApp(undefined), undefined);
  assert.equal(readExitWithApp(''), undefined);
  for (const text of [
    '{',
    '{}',
    '[]',
    '{"restartPolicy":"Always","containers":["a"]}',
    '{"restartPolicy":"Never","containers":[]}',
  ]) {
    assert.throws(() => readExitWithApp(text), { code: 'bad-configuration' });
  }
});
