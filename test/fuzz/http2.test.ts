import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzzHttp2 } from './http2/run.ts';

test('HPACK agrees with a plain decoder, and connections with themselves in pieces, in 6,000 cases', () => {
  assert.deepEqual(fuzzHttp2(6000, 20_261), []);
});
