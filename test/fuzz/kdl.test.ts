// Files of Sentinel's dialect with mistakes in them: whatever stands there, reading it ends with problems that have places in the
// file, never with an exception, and a file that was read before has no influence.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { KdlReader, parseKdl } from '../../src/kdl/index.ts';
import { readSentinel } from '../../src/translate/sentinel/index.ts';

const folder = join(import.meta.dirname, '../seeds/sentinel');
const seeds = readdirSync(folder)
  .filter(each => each.endsWith('.kdl'))
  .map(each => readFileSync(join(folder, each), 'utf8'));
const words = seeds.flatMap(each => each.match(/[\w-]+|"[^"\n]*"/g) ?? []);
const odd = [
  '{',
  '}',
  ';',
  '"',
  '\n',
  '-1',
  '1e400',
  '0x',
  '#null',
  '__proto__',
  'constructor',
  '"\\u{0}"',
  '""',
  '=',
  '\\',
  '/-',
];

/** Numbers that are the same in every run. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return below => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
}

/** A text with one of its words taken away, written twice, or replaced by another. */
function mistaken(text: string, random: (below: number) => number): string {
  const found = [...text.matchAll(/[\w-]+|"[^"\n]*"|[{};]/g)];
  const at = found[random(found.length)];
  if (at === undefined) return text;
  const pool = random(3) === 0 ? odd : words;
  const by = [``, `${at[0]} ${at[0]}`, pool[random(pool.length)]!, pool[random(pool.length)]!][random(4)]!;
  return text.slice(0, at.index) + by + text.slice(at.index + at[0].length);
}

test('files with mistakes are told with places that are in them, and never throw', () => {
  const random = randomFrom(29);
  let read = 0;
  let refused = 0;
  for (let round = 0; round < 400; round++) {
    const reader = new KdlReader('f');
    let text = seeds[round % seeds.length]!;
    reader.read(text);
    for (let mistakes = 0; mistakes < 3; mistakes++) {
      text = mistaken(text, random);
      assert.deepEqual(reader.read(text), parseKdl(text, 'f'), text);
      const { configuration, problems } = readSentinel(text, 'f');
      const lines = text.split('\n');
      for (const { at, message } of problems) {
        assert.ok(at.line >= 1 && at.line <= lines.length, `${at.line}: ${message}\n${text}`);
        assert.ok(
          at.column >= 1 && at.column <= lines[at.line - 1]!.length + 1,
          `${at.column}: ${message}\n${text}`,
        );
      }
      assert.equal(
        configuration === undefined,
        problems.some(each => each.severity === 'error'),
        text,
      );
      if (configuration === undefined) refused++;
      else read++;
    }
  }
  assert.ok(read > 100 && refused > 100, `${read} were read, ${refused} refused`);
});
