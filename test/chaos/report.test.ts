import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { brokenPromises } from './expectation.ts';
import { FAULTS } from './faults.ts';
import { KINDS, type Kind } from './kinds.ts';
import { wordsOf, written } from './report.ts';
import type { Seen } from './seen.ts';

const well: Seen = {
  answered: 100,
  errors: {},
  failed: 0,
  longestGapMs: 120,
  p99Ms: { before: 3, during: 0, after: 4.4 },
  recoveredMs: 0,
};
const all = (of: Partial<Record<Kind, Seen>> = {}): Record<Kind, Seen> =>
  Object.fromEntries(KINDS.map(kind => [kind, of[kind] ?? well])) as Record<Kind, Seen>;

test('more errors, longer silence and later recovery than were promised are told, each by kind of client', () => {
  const ill: Seen = { ...well, errors: { '503': 3 }, failed: 3, longestGapMs: 5_000, recoveredMs: 900 };
  const limits = { errors: 2, gapMs: 1_000, recoveredMs: 800 };
  const broken = brokenPromises({ others: limits }, all({ POST: ill }), 0);
  assert.equal(broken.length, 3);
  assert.match(broken[0]!, /^POST: 3 errors .*503.*at most 2/);
  assert.match(broken[1]!, /^POST: 5000 ms without an answer/);
  assert.match(broken[2]!, /^POST: errors until 900 ms/);
});

test('a kind with limits of its own is not held to those of the others', () => {
  const ill: Seen = { ...well, errors: { '503': 3 }, failed: 3 };
  const strict = { errors: 0, gapMs: 1_000 };
  assert.deepEqual(
    brokenPromises({ POST: { errors: 3, gapMs: 1_000 }, others: strict }, all({ POST: ill }), 0),
    [],
  );
});

test('a machine that is late for its own timers excuses silence, and no error', () => {
  const ill: Seen = { ...well, errors: { '503': 3 }, failed: 3, longestGapMs: 5_000 };
  const broken = brokenPromises({ others: { errors: 2, gapMs: 1_000 } }, all({ POST: ill }), 1_000);
  assert.equal(broken.length, 1);
  assert.match(broken[0]!, /^POST: 3 errors/);
});

test('what clients saw is told in few words', () => {
  assert.equal(wordsOf(well), 'none; 0.1 s; 3 / – / 4');
  const ill: Seen = { ...well, errors: { '503': 2, closed: 1 }, failed: 3, recoveredMs: 1_500 };
  assert.equal(wordsOf(ill), '2 × 503, 1 × closed, the last 1.5 s after; 0.1 s; 3 / – / 4');
});

test('the document has a row for every fault; writing some changes these rows and nothing else', () => {
  const document = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'resilience.md'), 'utf8');
  for (const { what, promise } of FAULTS)
    assert.ok(document.includes(`| ${what} | ${promise} |`), `${what}: make chaos WRITE=1`);
  const [one] = FAULTS;
  const next = written(document, [{ fault: one!, seen: all(), broken: [] }]).split('\n');
  const differing = document.split('\n').filter((line, index) => line !== next[index]);
  assert.equal(next.length, document.split('\n').length);
  assert.equal(differing.length, 1);
  assert.ok(differing[0]!.startsWith(`| ${one!.what} |`));
  assert.throws(() => written('no place', []), /no place for the table/);
});
