import assert from 'node:assert/strict';
import { test } from 'node:test';
import { edge } from '../../src/dashboard/testing/shop-view.ts';
import {
  formatBytes,
  formatCores,
  formatMebibytes,
  formatMs,
  formatRate,
  formatShare,
  formatSpan,
} from './format.ts';
import { readLines } from './lines.ts';
import { errorShare, standingOf, together } from './signals.ts';
import { seenShares } from './weights.ts';

test('numbers have three digits and a unit, and nothing is rounded to nothing or all', () => {
  assert.deepEqual([0, 0.04, 48.21, 1204.4].map(formatRate), ['0', '<0.1', '48.2', '1,204']);
  assert.deepEqual([0.42, 23.4, 1204].map(formatMs), ['0.4 ms', '23 ms', '1.20 s']);
  assert.deepEqual([0, 0.0002, 0.124, 0.9999, 1].map(formatShare), [
    '0 %',
    '<0.1 %',
    '12.4 %',
    '>99.9 %',
    '100 %',
  ]);
  assert.deepEqual([0, 999, 1_400, 63e6].map(formatBytes), ['0 B', '999 B', '1.4 KB', '63 MB']);
  assert.deepEqual([0, 0.0001, 0.015, 2].map(formatCores), ['0', '<1m', '15m', '2']);
  assert.equal(formatMebibytes(48 * 2 ** 20), '48Mi');
  assert.deepEqual([12e3, 240e3, 75.6e6, 777.6e6].map(formatSpan), ['12 s', '4 min', '21 h', '9 d']);
  assert.deepEqual([formatRate(undefined), formatMs(Number.NaN), formatShare(undefined)], ['–', '–', '–']);
});

test('of edges that are added up mTLS counts by how much came, and quantiles by the worst', () => {
  const sum = together([
    edge('a/a', 'a/b', { rps: 9, p99: 10 }),
    edge('a/c', 'a/b', { rps: 1, mtls: 0, p99: 90 }),
  ]);
  assert.deepEqual([sum.rps, sum.mtls, sum.p99], [10, 0.9, 90]);
  assert.equal(together([]).p99, undefined);
  assert.equal(errorShare({ rps: 0, errors: 0 }), undefined);
  assert.deepEqual(
    [0, 0.5, 6].map(errors => standingOf({ rps: 100, errors })),
    ['ok', 'warning', 'error'],
  );
});

const to = (version?: string) => ({
  host: 'reviews',
  share: 0.5,
  workloads: [{ key: 'a/b', ...(version && { version }) }],
});

test('the share that was seen is told by version, and not where two targets are the same pods', () => {
  const edges = [edge('a/a', 'a/b', { rps: 3 }), edge('a/a', 'a/b', { rps: 1, toVersion: 'v2' })];
  assert.deepEqual(seenShares([to('v1'), to('v2')], edges), [0.75, 0.25]);
  assert.equal(seenShares([to('v1'), to('v1')], edges), undefined);
  assert.equal(seenShares([to('v1'), to('v2')], []), undefined);
});

test('lines come whole, however the bytes were cut', async () => {
  const bytes = new TextEncoder().encode('{"a":1}\n{"b":"ü"}\n\n{"c":3}\n');
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
      controller.close();
    },
  });
  const lines: string[] = [];
  await readLines(body, line => lines.push(line));
  assert.deepEqual(lines, ['{"a":1}', '{"b":"ü"}', '{"c":3}']);
});
