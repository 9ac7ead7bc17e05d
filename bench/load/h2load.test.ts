import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readH2load } from './h2load.ts';

const printed = (codes: string): string => `starting benchmark...
Warm-up phase is over for thread #0.
finished in 2.50s, 12345.60 req/s, 2.10MB/s
requests: 30864 total, 30900 started, 30864 done, 30860 succeeded, 4 failed, 0 errored, 0 timeout
status codes: ${codes}
traffic: 5.25MB (5505024) total, 301.41KB (308644) headers (space savings 95.00%), 2.94MB (3086400) data
`;

test('requests, seconds and answers that were not 2xx are read', () => {
  assert.deepEqual(readH2load(printed('30860 2xx, 0 3xx, 0 4xx, 4 5xx')), {
    count: 30_860,
    seconds: 2.5,
    errors: 0,
    not_ok: 4,
  });
});

test('an output without figures is an error that shows its end', () => {
  assert.throws(() => readH2load('Could not connect to the host'), /no result: Could not connect/);
});
