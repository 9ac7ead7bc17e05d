// Every code that Weft gives stands in docs/errors.md, and every finding of analysis in docs/analyze.md. Codes are found as text:
// whoever adds a way to make an error adds it to `makers`.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CODES } from '../analyze/index.ts';
import { allFaults as allFaults1 } from '../http1/index.ts';
import { allFaults as allFaults2 } from '../http2/index.ts';
import { FLAGS } from './index.ts';

const allFaults = (): readonly { readonly code: string }[] => [...allFaults1(), ...allFaults2()];
const root = join(import.meta.dirname, '../..');
const makers = [
  // new WeftError('code', …), report.error('code', …), problem('code', …) and the helpers of single files.
  /(?:new (?:(?:Weft|Api)Error|AcmeFailure)|\bproblem)\(\s*'([a-z0-9]+(?:-[a-z0-9]+)*)',/g,
  // Elsewhere these take words, which have no hyphens in them.
  /\b(?:error|warn|fail|reject|refuse|report)\(\s*(?:gathered,\s*)?'([a-z0-9]+(?:-[a-z0-9]+)+)',/g,
  // api-error.ts: by status.
  /^ {2}\d{3}: '(api-[a-z-]+)',/gm,
];
/** Reasons of refusals, notices, and errors whose code is one of several: every literal of the line. */
const chosen = /\b(?:code(?:: | = )|type StartRefusal = )([^;\n]+)/g;
const literal = /'([a-z0-9]+(?:-[a-z0-9]+)+)'/g;
/** Outcomes that are no errors. */
const outcomes = ['already-injected', 'not-injected'];

function codesInSource(): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const file of globSync('{src,webhook}/**/*.ts', { cwd: root })) {
    // Causes are no errors: docs/explain.md has them.
    if (file.endsWith('.test.ts') || file.includes('/testing/') || file.startsWith('src/explain/')) continue;
    const text = readFileSync(join(root, file), 'utf8');
    for (const maker of makers) for (const [, code] of text.matchAll(maker)) found.set(code!, file);
    for (const [, line] of text.matchAll(chosen))
      for (const [, code] of line!.matchAll(literal)) found.set(code!, file);
  }
  for (const code of outcomes) found.delete(code);
  return found;
}

/** First cells of the rows of tables: the codes, by the section that they stand in. */
function documented(name: string): ReadonlySet<string> {
  const text = readFileSync(join(root, 'docs', name), 'utf8');
  return new Set([...text.matchAll(/^\| `([A-Za-z0-9-]+)` \|/gm)].map(([, code]) => code!));
}

test('every code of an error or problem stands in docs/errors.md', () => {
  const known = documented('errors.md');
  const codes = codesInSource();
  const missing = [...codes].filter(([code]) => !known.has(code)).map(([code, file]) => `${code} (${file})`);
  assert.deepEqual(missing, [], 'add a row with a sentence and a remedy');
  assert.ok(codes.size > 150, `${codes.size} codes found`);
});

test('every response flag is one that something raises', () => {
  const files = globSync('src/**/*.ts', { cwd: root }).filter(
    file => !file.endsWith('.test.ts') && !file.includes('/testing/') && file !== 'src/errors/flags.ts',
  );
  const text = files.map(file => readFileSync(join(root, file), 'utf8')).join('\n');
  assert.deepEqual(
    Object.keys(FLAGS).filter(flag => !text.includes(`'${flag}'`)),
    [],
    'take it out of flags.ts and docs/errors.md',
  );
});

test('every fault of both codecs and every response flag stands in docs/errors.md', () => {
  const known = documented('errors.md');
  const faults = allFaults().map(({ code }) => code);
  assert.deepEqual(
    [...faults, ...Object.keys(FLAGS)].filter(code => !known.has(code)),
    [],
  );
});

test('docs/errors.md has no code that is gone', () => {
  const codes = codesInSource();
  const all = new Set([...codes.keys(), ...allFaults().map(({ code }) => code), ...Object.keys(FLAGS)]);
  const gone = [...documented('errors.md')].filter(code => !all.has(code));
  assert.deepEqual(gone, [], 'take the row out');
});

test('docs/explain.md has every cause that weft explain names, and no other', () => {
  const causes = new Set<string>();
  for (const file of globSync('src/explain/**/*.ts', { cwd: root })) {
    const text = readFileSync(join(root, file), 'utf8');
    for (const [, line] of text.matchAll(chosen))
      for (const [, code] of line!.matchAll(/'([a-z]+(?:-[a-z]+)*)'/g)) causes.add(code!);
  }
  // Stands for those of connecting.ts, each of which is more precise.
  causes.delete('connection');
  assert.deepEqual([...documented('explain.md')].sort(), [...causes].sort());
});

test('docs/analyze.md has every code of analysis with its severity and remedy, and no other', () => {
  const text = readFileSync(join(root, 'docs/analyze.md'), 'utf8');
  assert.deepEqual([...documented('analyze.md')].sort(), Object.keys(CODES).sort());
  for (const [code, { severity, title, remedy }] of Object.entries(CODES)) {
    const row = text.split('\n').find(line => line.startsWith(`| \`${code}\` |`))!;
    const [, said, means, example, mends] = row.split(' | ');
    assert.deepEqual(
      [said, means, mends],
      [severity, title, `${remedy} |`],
      `${code} is not as codes.ts has it`,
    );
    assert.ok(example, `${code} has no example`);
  }
});
