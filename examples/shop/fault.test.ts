import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FaultSwitch } from './fault.ts';

test('hits the share of requests that was asked for', async () => {
  const rolls = [0.1, 0.49, 0.5, 0.9];
  const fault = new FaultSwitch(() => rolls.shift()!);
  fault.set({ status: 500, share: 0.5 });
  const hits = [
    await fault.apply('/'),
    await fault.apply('/'),
    await fault.apply('/'),
    await fault.apply('/'),
  ];
  assert.deepEqual(hits, [500, 500, undefined, undefined]);
});

test('drops fields of the wrong type and unknown ones', () => {
  const fault = new FaultSwitch();
  assert.deepEqual(fault.set({ status: '500', delayMs: 5, reset: 1, other: true }), {
    fault: { delayMs: 5 },
  });
  assert.deepEqual(fault.set(null), { fault: {} });
  assert.deepEqual(fault.clear(), { fault: null });
});
