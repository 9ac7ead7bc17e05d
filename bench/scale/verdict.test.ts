import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bounds, judge, LEAST_SHARE, timeBounds } from './verdict.ts';

const kept = { ...bounds };
const at = (share: number, over = 0) => ({
  endpointP99Ms: { value: timeBounds.endpointP99Ms + over, share },
  routeP99Ms: { value: timeBounds.routeP99Ms, share },
  reconnectSeconds: { value: timeBounds.reconnectSeconds, share },
});

test('what is just within its bounds passes, starved or not', () => {
  for (const share of [1, 0.1]) assert.deepEqual(judge(kept, at(share)), { broken: [], notJudged: [] });
});

test('a time over its bound fails where the processes had their processor, and is not judged where they had not', () => {
  assert.deepEqual(judge(kept, at(LEAST_SHARE, 1)), { broken: ['endpointP99Ms'], notJudged: [] });
  assert.deepEqual(judge(kept, at(LEAST_SHARE - 0.01, 1)), { broken: [], notJudged: ['endpointP99Ms'] });
});

test('a starved machine excuses no memory, no work, and nothing that was not heard', () => {
  for (const name of Object.keys(bounds) as (keyof typeof bounds)[]) {
    assert.deepEqual(judge({ ...kept, [name]: bounds[name] + 1 }, at(0.1)).broken, [name]);
    assert.deepEqual(judge({ ...kept, [name]: Number.NaN }, at(0.1)).broken, [name]);
  }
});
