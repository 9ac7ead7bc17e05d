import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FLAGS, type Flag } from '../errors/index.ts';
import { type AccessRecord, lineOf } from './access-log.ts';

const record: AccessRecord = {
  direction: 'inbound',
  protocol: 'HTTP/1.1',
  flag: 'NR',
  detail: '',
  durationMs: 1,
  receivedBytes: 0,
  sentBytes: 0,
  downstream: '',
  upstream: '',
  cluster: '',
  peer: '',
  attempts: 0,
};

test('what a client chooses is cut: method, host, path, request id, and words that quote them', () => {
  const long = 'x'.repeat(60_000);
  for (const field of ['method', 'authority', 'path', 'requestId', 'detail', 'peer'] as const) {
    const { fields, reason } = lineOf({ ...record, [field]: long });
    const line = JSON.stringify({ ...fields, reason });
    assert.ok(line.length < 3000, `${field} makes a line of ${line.length} bytes`);
    assert.match(line, /x{2000}/);
  }
});

test('of a TCP connection no word speaks of a request or a response', () => {
  for (const flag of Object.keys(FLAGS) as Flag[]) {
    // Those that only requests can have.
    if (['FI', 'RL', 'URX', 'DI', 'UO', 'UPE'].includes(flag)) continue;
    const { reason } = lineOf({ ...record, protocol: 'TCP', flag });
    assert.doesNotMatch(reason, /request|response|HTTP/, flag);
    assert.equal(lineOf({ ...record, flag }).reason, FLAGS[flag]);
  }
});
