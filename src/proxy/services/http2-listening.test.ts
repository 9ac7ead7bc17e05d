import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EDGE_LIMITS, MESH_LIMITS } from '../../http2/index.ts';
import { FakeClock, TimerWheel } from '../../time/index.ts';
import { http2Listening } from './http2-listening.ts';

const clock = new FakeClock();
const times = { clock, timers: new TimerWheel(clock), idleTimeoutMs: 1, lingerMs: 1 };

test('bounds that are told hold for whoever comes in, and not for the own app; the others stay', () => {
  const { app, proxy, stranger } = http2Listening(times, { maxStreams: 7 });
  assert.deepEqual(app.limits, MESH_LIMITS);
  assert.deepEqual(proxy.limits, { ...MESH_LIMITS, maxStreams: 7 });
  assert.deepEqual(stranger.limits, { ...EDGE_LIMITS, maxStreams: 7 });
  assert.deepEqual(http2Listening(times).stranger.limits, EDGE_LIMITS);
});
