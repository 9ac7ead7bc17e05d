import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  giveUp,
  guarded,
  type InternalError,
  internalError,
  internalErrors,
  onInternalError,
} from './index.ts';

function listen(t: { after(run: () => void): void }): InternalError[] {
  const told: InternalError[] = [];
  onInternalError(error => told.push(error));
  t.after(() => onInternalError(undefined));
  return told;
}

test('what a guarded callback throws is told with where and counted, and what it hit gives up', t => {
  const told = listen(t);
  let gaveUp = 0;
  const run = guarded(
    'here',
    (words: string) => {
      throw new Error(words);
    },
    () => {
      gaveUp++;
    },
  );
  const before = internalErrors().get('here') ?? 0;
  run('one');
  run('two');
  assert.deepEqual(
    told.map(({ where, thrown, count }) => [where, (thrown as Error).message, count - before]),
    [
      ['here', 'one', 1],
      ['here', 'two', 2],
    ],
  );
  assert.equal(gaveUp, 2);
});

test('giving up may fail too, and so may telling: nothing is thrown', t => {
  const told = listen(t);
  giveUp('there', {
    onFault() {
      throw new Error('no way out');
    },
  });
  assert.equal(String(told[0]?.thrown), 'Error: no way out');
  onInternalError(() => {
    throw new Error('the disk is full');
  });
  internalError('there', new Error('x'));
  assert.equal(internalErrors().get('there'), 2);
});
