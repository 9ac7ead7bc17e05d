import assert from 'node:assert/strict';
import { test } from 'node:test';
import { regexProblem } from './regex.ts';

const good = [
  '',
  '.*',
  '^(.*?;)?(user=jason)(;.*)?$',
  '/api/v[0-9]+/.*',
  '(?i)mobile',
  '(?i:a|b)+',
  '(?P<id>\\d{1,5})',
  '(?<id>\\w+)',
  '[]a]',
  '[^]a\\]]+',
  '[[:alpha:]_]+',
  '\\Q(((\\E',
  'a{,5}',
  '{x}',
  '\\pN+\\x{10FFFF}',
  '(a{10}){100}',
  'a**'.slice(0, 2),
];
const bad: [string, RegExp][] = [
  ['(', /without a \)/],
  ['a)', /without a \(/],
  ['[a', /without a \]/],
  ['a\\', /single/],
  ['*a', /nothing before/],
  ['a|+', /nothing before/],
  ['(?=x)a', /lookaround/],
  ['a(?!x)', /lookaround/],
  ['(?<=x)a', /lookaround/],
  ['(?<!x)a', /lookaround/],
  ['(a)\\1', /backreference/],
  ['(?>a)', /does not have/],
  ['a++', /does not have/],
  ['a**', /does not have/],
  ['a{1001}', /more than 1000/],
  ['((a{100}){100}){100}', /more than 1000/],
  ['a{5,2}', /before its beginning/],
  ['a'.repeat(5000), /characters/],
];

test('patterns of RE2 have no problem', () => {
  for (const pattern of good) assert.equal(regexProblem(pattern), undefined, pattern);
});

test('what RE2 does not have, or refuses for its size, is named', () => {
  for (const [pattern, expected] of bad) assert.match(regexProblem(pattern) ?? 'none', expected, pattern);
});
