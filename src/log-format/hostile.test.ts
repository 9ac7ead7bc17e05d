// Formats and expressions come from whoever may write an object: whatever they are, they come to something or to words.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ATTRIBUTES, expressionFault } from '../cel/index.ts';
import { formatFault, OPERATORS } from './index.ts';

/** The same texts in every run. */
function* numbers(): Generator<number> {
  for (let state = 42; ; ) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state / 2 ** 32;
  }
}

const random = numbers();
const upTo = (count: number): number => Math.floor(random.next().value! * count);
const pick = <T>(list: readonly T[]): T => list[upTo(list.length)]!;

const wordsOfExpressions = [
  ...Object.keys(ATTRIBUTES),
  ...'&& || ! == != < <= > >= + - * / % ? : ( ) [ ] , . in has size string int matches startsWith " 1 0x1f 1.5 true null'.split(
    ' ',
  ),
  "'",
  '\\',
  'r"a"',
  "'a'",
  "['x']",
  ".matches('(a+)+$')",
];
const wordsOfFormats = [
  ...Object.keys(OPERATORS),
  ...'% %% ( ) : ? REQ RESP START_TIME ENVIRONMENT 3 %s f'.split(' '),
  '\0',
  'é',
];

const text = (words: readonly string[]): string =>
  Array.from({ length: 1 + upTo(12) }, () => pick(words)).join(pick(['', ' ']));

test('20,000 texts of the words of expressions are expressions or have a fault', () => {
  let good = 0;
  for (let i = 0; i < 20_000; i++) {
    const fault = expressionFault(text(wordsOfExpressions), pick(['filter', 'tag']));
    assert.ok(fault === undefined || fault.length > 5);
    if (fault === undefined) good++;
  }
  assert.ok(good > 100, `${good} were good`);
});

test('20,000 texts of the words of formats are formats or have a fault', () => {
  let good = 0;
  for (let i = 0; i < 20_000; i++) {
    const fault = formatFault(text(wordsOfFormats));
    assert.ok(fault === undefined || fault.length > 5);
    if (fault === undefined) good++;
  }
  assert.ok(good > 100, `${good} were good`);
});
