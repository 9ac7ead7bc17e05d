// Golden cases: golden/<dialect>/<case>.yaml makes <case>.json. Refresh with UPDATE_GOLDEN=1 and read the difference.
import assert from 'node:assert/strict';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { formatRef, type Mesh, type Problem } from '../model/index.ts';
import { meshFromYaml } from './testing/from-yaml.ts';

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
  const dialects = folders.filter(each => each !== 'status');
  assert.deepEqual(
    dialects.filter(each => !covered.has(each)),
    [],
  );
});

function readable(mesh: Mesh, problems: readonly Problem[]): unknown {
  const replace = (_key: string, value: unknown): unknown => {
    if (value instanceof Map) return Object.fromEntries(value);
    return value instanceof Set ? [...value] : value;
  };
  const sorted = (map: ReadonlyMap<string, unknown>): unknown =>
    Object.fromEntries([...map].sort(([left], [right]) => (left < right ? -1 : 1)));
  const filled = Object.entries(mesh).flatMap(([name, value]) => {
    if (typeof value === 'string' || ('size' in value ? value.size : value.length) === 0) return [];
    return [[name, 'get' in value ? sorted(value) : value]];
  });
  const flat = problems.map(each => ({ ...each, object: each.object && formatRef(each.object) }));
  return JSON.parse(JSON.stringify({ ...Object.fromEntries(filled), problems: flat }, replace));
}
