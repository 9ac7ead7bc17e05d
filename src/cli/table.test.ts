import assert from 'node:assert/strict';
import { test } from 'node:test';
import { screenOf, shortTime, table } from './table.ts';

const plain = { colours: false };
const red = { text: 'error', colour: 'red' } as const;

test('a table is as wide as its cells, and no wider than the terminal: the widest columns are cut', () => {
  const rows = [['shop', 'productpage-7d9f-x2b', red]];
  assert.deepEqual(table(['NS', 'POD', 'STATUS'], rows, plain), [
    'NS    POD                   STATUS',
    'shop  productpage-7d9f-x2b  error',
  ]);
  const narrow = table(['NS', 'POD', 'STATUS'], rows, { columns: 26, colours: false });
  assert.deepEqual(narrow, ['NS    POD           STATUS', 'shop  productpage…  error']);
  const tiny = table(['NS', 'POD', 'STATUS'], rows, { columns: 5, colours: false });
  assert.equal(tiny[1], 'shop  produ…  error', 'where nothing fits it stays readable');
});

test('colours stand around the text alone, on a terminal, unless NO_COLOR says no', () => {
  assert.deepEqual(table(['S', 'X'], [[red, 'y']], { colours: true })[1], '\x1b[31merror\x1b[0m  y');
  const tty = { isTTY: true, columns: 80 };
  assert.deepEqual(screenOf(tty, {}), { columns: 80, colours: true });
  assert.deepEqual(screenOf(tty, { NO_COLOR: '' }), { columns: 80, colours: true });
  assert.deepEqual(screenOf(tty, { NO_COLOR: '1' }), { columns: 80, colours: false });
  assert.deepEqual(screenOf({ columns: 80 }, {}), { colours: false });
});

test('what a cell says cannot steer the terminal', () => {
  assert.deepEqual(table(['A'], [['x\x1b[2Jy\n']], plain), ['A', 'x?[2Jy?']);
});

test('times are short', () => {
  const cases = [-1, 0, 59.9, 60, 3599, 3600, 172_799, 172_800];
  assert.equal(cases.map(shortTime).join(' '), '0s 0s 59s 1m 59m 1h 47h 2d');
});
