import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requestHead } from '../../http1/testing/heads.ts';
import { FailedCalls } from './failed-calls.ts';

const head = (id: string) => requestHead(`GET / HTTP/1.1\r\nhost: a\r\nx-request-id: ${id}\r\n\r\n`);

test('however many calls fail, the latest thousand are known', () => {
  const calls = new FailedCalls();
  for (let i = 0; i < 1_500; i++) calls.note(head(`id-${i}`), i);
  const known = Array.from({ length: 1_500 }, (_, i) => calls.concern(head(`id-${i}`), 0));
  assert.deepEqual([known.indexOf(true), known.lastIndexOf(false)], [500, 499]);
});

test('one that fails again is as young as its last failure, and an id without end is nobody’s', () => {
  const calls = new FailedCalls();
  calls.note(head('old'), 1);
  for (let i = 0; i < 999; i++) calls.note(head(`id-${i}`), 2);
  calls.note(head('old'), 3);
  calls.note(head('new'), 4);
  assert.equal(calls.concern(head('old'), 3), true);
  assert.equal(calls.concern(head('old'), 4), false);
  const long = 'x'.repeat(10_000);
  calls.note(head(long), 5);
  assert.equal(calls.concern(head(long), 0), false);
});
