// Every option stands in the document, with what becomes of it. UPDATE_GOLDEN=1 writes the table anew.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from './schema/root.ts';
import { optionRows } from './testing/options-table.ts';

const file = join(import.meta.dirname, '../../../docs/policies/sentinel.md');
const [begin, end] = ['<!-- options -->\n', '<!-- /options -->'];

test('docs/policies/sentinel.md has every option with its type, its default and what becomes of it', () => {
  const document = readFileSync(file, 'utf8');
  const table = `| option | takes | default | what becomes of it |\n|---|---|---|---|\n${optionRows(root).join('\n')}\n`;
  const [before, , after] = document.split(/<!-- \/?options -->/);
  const expected = `${before}${begin}${table}${end}${after}`;
  if (process.env.UPDATE_GOLDEN) writeFileSync(file, expected);
  assert.equal(document, expected, 'UPDATE_GOLDEN=1 writes the table anew');
});

test('what is ignored or refused has a reason, and what is read has a type', () => {
  const rows = optionRows(root);
  assert.ok(rows.length > 200, `${rows.length} options`);
  assert.deepEqual(
    rows.filter(row => /(ignored|refused): (undefined)? ?\|/.test(row)),
    [],
  );
});
