// Golden cases: golden/<dialect>/<case>.yaml makes <case>.json. Refresh with UPDATE_GOLDEN=1 and read the difference.
import assert from 'node:assert/strict';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { meshFromYaml } from './testing/from-yaml.ts';
import { readable } from './testing/readable.ts';

const folder = join(import.meta.dirname, 'golden');
const cases = globSync('*/*.yaml', { cwd: folder }).sort();

for (const input of cases) {
  test(`golden: ${input}`, () => {
    const path = join(folder, input);
    const { mesh, problems } = meshFromYaml(readFileSync(path, 'utf8'), basename(input));
    const got = `${JSON.stringify(readable(mesh, problems), undefined, 2)}\n`;
    const expected = path.replace(/yaml$/, 'json');
    if (process.env.UPDATE_GOLDEN) writeFileSync(expected, got);
    assert.equal(got, readFileSync(expected, 'utf8'), `${input} differs; UPDATE_GOLDEN=1 writes it anew`);
  });
}

test('there are golden cases of every dialect', () => {
  const covered = new Set(cases.map(each => each.split('/')[0]!));
  const folders = globSync('*/index.ts', { cwd: import.meta.dirname }).map(each => each.split('/')[0]!);
  // Sentinel's files are no YAML; sentinel/translation.test.ts has their cases.
  const dialects = folders.filter(each => each !== 'status' && each !== 'sentinel');
  assert.deepEqual(
    dialects.filter(each => !covered.has(each)),
    [],
  );
});
