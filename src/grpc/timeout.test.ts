import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeMessage, encodeMessage, formatTimeout, parseTimeout } from './index.ts';

const parse = (text: string): number => {
  const bytes = Buffer.from(`x${text}y`, 'latin1');
  return parseTimeout(bytes, 1, bytes.length - 1);
};

test('a deadline is at most eight digits and a unit', () => {
  const rows: readonly (readonly [text: string, ms: number])[] = [
    ['1H', 3_600_000],
    ['2M', 120_000],
    ['3S', 3000],
    ['100m', 100],
    ['250u', 0.25],
    ['5000000n', 5],
    ['0S', 0],
    ['99999999H', 99_999_999 * 3_600_000],
    ['00000010m', 10],
  ];
  for (const [text, ms] of rows) assert.ok(Math.abs(parse(text) - ms) < 1e-9 * Math.max(1, ms), text);
});

test('anything else is none', () => {
  for (const text of [
    '',
    'S',
    '1',
    '1s',
    '1h',
    '123456789m',
    '-1S',
    '+1S',
    '1.5S',
    ' 1S',
    '1 S',
    '1SS',
    '1mS',
    'x',
  ])
    assert.equal(parse(text), -1, JSON.stringify(text));
});

test('what is written is never longer than what there is, holds eight digits, and reads back to within one of its units', () => {
  for (const ms of [0.0004, 0.25, 1, 99.999, 1000, 99_999, 100_000, 86_400_000, 99_999_999_999, 1e14, 1e18]) {
    const text = formatTimeout(ms);
    assert.match(text, /^\d{1,8}[umSMH]$/);
    const read = parse(text);
    assert.ok(read <= ms, `${text} for ${ms}`);
    if (ms < 1e14) assert.ok(ms - read <= Math.max(0.001, ms * 1e-4), `${text} for ${ms}`);
  }
  assert.equal(formatTimeout(-5), '0u');
  assert.equal(formatTimeout(1500), '1500000u');
});

test('words of a status survive the way: percent signs, line breaks, other alphabets, and what is badly escaped', () => {
  for (const text of ['', 'plain words', '100 %', 'a\r\nb\0', 'né – 目', '%41'])
    assert.equal(decodeMessage(encodeMessage(text)), text, JSON.stringify(text));
  assert.equal(encodeMessage('né %\n'), 'n%C3%A9 %25%0A');
  assert.equal(decodeMessage('50% of %zz %4'), '50% of %zz %4');
});
