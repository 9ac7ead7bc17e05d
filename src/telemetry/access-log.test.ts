import assert from 'node:assert/strict';
import { test } from 'node:test';
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
