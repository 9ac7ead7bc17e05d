// Documents that name tests name ones that there are.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** What a cell of a table names: paths, and after one of them names of files beside it. */
function namedIn(cell: string): string[] {
  let folder = '';
  return cell.split(',').map(word => {
    const path = word.trim();
    if (!path.includes('/')) return `${folder}/${path}`;
    folder = dirname(path);
    return path;
  });
}

test('every row of docs/security.md is shown by tests that exist', () => {
  const rows = readFileSync(`${root}/docs/security.md`, 'utf8')
    .split('\n')
    .filter(line => /^\| (?!tries|port|---)/.test(line))
    .map(line => line.split('|').slice(1, -1));
  assert.ok(rows.length > 30, `${rows.length} rows`);
  for (const cells of rows) {
    assert.equal(cells.length, 3, cells.join('|'));
    for (const path of namedIn(cells[2]!))
      assert.ok(existsSync(`${root}/${path}`), `${path} of the row ${cells[0]}`);
  }
});

test('every promise of docs/threat-model.md is shown by tests that exist', () => {
  const text = readFileSync(`${root}/docs/threat-model.md`, 'utf8').split('## Promises')[1]!.split('## ')[0]!;
  const rows = text.split('\n').filter(line => /^\| (?!promise)/.test(line));
  assert.ok(rows.length > 8, `${rows.length} promises`);
  for (const row of rows) {
    const cells = row.split('|').slice(1, -1);
    assert.equal(cells.length, 2, row);
    for (const path of namedIn(cells[1]!)) assert.ok(existsSync(`${root}/${path}`), `${path} of ${cells[0]}`);
  }
});
