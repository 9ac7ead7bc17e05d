import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SessionPool } from '../../cluster/index.ts';
import { FakeClock, TimerWheel } from '../../time/index.ts';
import { connectHead } from './session-status.ts';
import { type SessionOutcome, UpstreamStream } from './upstream-stream.ts';

/** An attempt whose pool has so many connections, and what it said. */
function attempt(open: number) {
  const said: string[] = [];
  const outcome: SessionOutcome = {
    onBytes: () => void said.push('bytes'),
    onFailed: (failure, flag) => void said.push(`${failure} ${flag}`),
    onAlone: () => void said.push('alone'),
    onFault: () => void said.push('fault'),
  };
  const pool = { acquire() {}, cancel() {}, figures: { open } } as unknown as SessionPool;
  const timers = new TimerWheel(new FakeClock());
  const head = connectHead('10.0.0.1:1');
  const stream = new UpstreamStream({ pool, timers, timeoutMs: 1000, head, where: 'there' }, outcome);
  stream.start();
  return { stream, said };
}

test('a connection that did not come about says that the endpoint is out of reach, unless others are open', () => {
  for (const [open, failure] of [
    [0, 'unreachable'],
    [1, 'missed'],
  ] as const) {
    const { stream, said } = attempt(open);
    stream.onNoConnection('UF', 'no TLS handshake within 5000 ms');
    stream.onNoConnection('UF', 'and once more');
    stream.onAlone();
    assert.deepEqual(said, [`${failure} UF`]);
  }
});

test('an endpoint that is taken away says nothing, and not before that is done', async () => {
  const { stream, said } = attempt(0);
  stream.onNoConnection('UH', 'the endpoint is gone', true);
  assert.deepEqual(said, []);
  await new Promise(resolve => setImmediate(resolve));
  assert.deepEqual(said, ['repeat UH']);
});

test('who withdraws hears nothing more', () => {
  const { stream, said } = attempt(0);
  stream.cancel();
  stream.onNoConnection('UF', 'too late');
  stream.onFault();
  assert.deepEqual(said, []);
});
