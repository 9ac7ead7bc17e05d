// Documents that name tests name ones that there are.
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
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

/** What documents name that is made first, or stands in an image or in a cluster of the reader's. */
const elsewhere = new Set(['bench/results/latest.json', 'grafana/provisioning/dashboards/weft.yaml']);

/** The anchor that GitHub gives to a heading. */
const anchorOf = (heading: string): string =>
  heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_\- ]/gu, '')
    .trim()
    .replaceAll(' ', '-');

test('links of documents lead to files and headings that there are, and files that they name exist', () => {
  const documents = globSync(['*.md', '{docs,examples,manifests,test,bench}/**/*.md'], { cwd: root });
  assert.ok(documents.length > 40, `${documents.length} documents`);
  const text = new Map(
    documents.map(name => [name, readFileSync(join(root, name), 'utf8').replace(/^```.*?^```/gms, '')]),
  );
  const anchors = new Map(
    [...text].map(([name, words]) => [
      name,
      new Set([...words.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchorOf(heading!))),
    ]),
  );
  const wrong: string[] = [];
  for (const [name, words] of text) {
    for (const [, link] of words.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^\w+:/.test(link!)) continue;
      const [path = '', anchor] = link!.split('#');
      const target = path === '' ? name : join(dirname(name), path);
      if (!existsSync(join(root, target))) wrong.push(`${name}: ${link} is no file`);
      else if (anchor !== undefined && anchors.get(target)?.has(anchor) === false)
        wrong.push(`${name}: ${link} is no heading`);
    }
    const paths =
      /(?<![\w./-])(?:src|test|webhook|bench|docs|dashboard|grafana|scripts)\/[\w./-]+\.(?:tsx?|md|json|ya?ml|sh)\b/g;
    for (const [path] of words.matchAll(paths))
      if (!existsSync(join(root, path)) && !elsewhere.has(path)) wrong.push(`${name}: there is no ${path}`);
  }
  assert.deepEqual(wrong, []);
});
