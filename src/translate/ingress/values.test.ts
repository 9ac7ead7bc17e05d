import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  isCidr,
  parseCidrs,
  parseCount,
  parseFlag,
  parseList,
  parseSize,
  parseStatuses,
  parseTimeMs,
} from './values.ts';

test('booleans are those of Go: on, yes and enabled are none', () => {
  assert.deepEqual(
    ['true', 'True', 'TRUE', 't', '1', 'false', 'F', '0', 'on', 'yes', 'enabled', ''].map(parseFlag),
    [true, true, true, true, true, false, false, false, undefined, undefined, undefined, undefined],
  );
});

test('sizes and times are those of nginx', () => {
  assert.deepEqual(['0', '8m', '512K', '1g', '10', '1.5m', '8mb', 'm', '-1'].map(parseSize), [
    0,
    8 * 1024 ** 2,
    512 * 1024,
    1024 ** 3,
    10,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  assert.deepEqual(
    ['60', '60s', '500ms', '1h 30m', '1h30m', '1d', '30m 1h', '1m 1m', 'soon', '1.5s'].map(parseTimeMs),
    [60_000, 60_000, 500, 5_400_000, 5_400_000, 86_400_000, undefined, undefined, undefined, undefined],
  );
  assert.deepEqual(['10', '+1', '-1', '1.5', 'x'].map(parseCount), [10, 1, undefined, undefined, undefined]);
});

test('lists, ranges and statuses', () => {
  assert.deepEqual(parseList(' a, b ,,c'), ['a', 'b', 'c']);
  assert.deepEqual(parseCidrs('10.0.0.0/8, 2001:db8::1'), ['10.0.0.0/8', '2001:db8::1']);
  assert.equal(parseCidrs('10.0.0.0/8 192.168.0.0/16'), undefined);
  assert.deepEqual(
    ['10.0.0.1', '10.0.0.0/8', '::/0', '10.0.0.0/33', '10.0.0', 'zz::', '10.0.0.0/8/8', ''].map(isCidr),
    [true, true, true, false, false, false, false, false],
  );
  assert.deepEqual(parseStatuses('404, 503'), [404, 503]);
  assert.deepEqual(['200', '600', '4xx', ''].map(parseStatuses), [
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});
