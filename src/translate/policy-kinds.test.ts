// What a row of POLICY_KINDS brings about by itself, for every row there is: whoever adds one is told here what is missing.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { emptyMesh, fact, POLICY_KINDS, type PolicyKind } from '../model/index.ts';
import { MeshReader } from '../resolve/mesh-reader.ts';
import { changesOf, meshFromYaml } from './testing/from-yaml.ts';
import { Translator } from './translator.ts';

const kinds = Object.keys(POLICY_KINDS) as PolicyKind[];
const folder = join(import.meta.dirname, 'golden');
const golden = globSync('*/*.yaml', { cwd: folder }).map(each => readFileSync(join(folder, each), 'utf8'));
const meshes = golden.map(yaml => meshFromYaml(yaml).mesh);

test('every kind has a map in a mesh, facts of its own, and a reader that notes them, found or not', () => {
  const others = Object.entries(fact).filter(([name]) => name !== 'policies');
  const words = new Set(others.map(([, name]) => (name as (key: string) => string)('x').split(' ')[0]!));
  for (const kind of kinds) {
    const { fact: word } = POLICY_KINDS[kind];
    assert.ok(!words.has(word), `${kind}: another fact is called ${word}`);
    words.add(word);
    const mesh = emptyMesh();
    assert.equal(mesh[kind].size, 0);
    const reader = new MeshReader(mesh);
    assert.deepEqual(reader.policies(kind, 'x'), []);
    assert.deepEqual([...reader.facts], [`${word} x`]);
  }
});

for (const kind of kinds) {
  test(`${kind}: some object says it, it stands where its row says, and its fact is touched when it comes and when it goes`, () => {
    const at = meshes.findIndex(mesh => mesh[kind].size > 0);
    assert.notEqual(at, -1, `no golden case has one; write one in golden/<dialect>/`);
    for (const [group, policies] of meshes[at]![kind]) {
      const { group: groupOf } = POLICY_KINDS[kind] as { group: (policy: unknown) => string };
      assert.deepEqual(
        policies.map(groupOf),
        policies.map(() => group),
      );
    }
    const [group] = [...meshes[at]![kind].keys()];
    const name = fact.policies(kind, group!);
    const translator = new Translator();
    const changes = changesOf(golden[at]!);
    assert.ok(translator.apply(changes).touched.has(name));
    const gone = changes.map(({ kind: of, key }) => ({ type: 'delete', kind: of, key }) as const);
    assert.ok(translator.apply(gone).touched.has(name));
    assert.equal(translator.mesh[kind].size, 0);
  });

  test(`${kind}: the docs say what an object of it does`, () => {
    const rows = readFileSync(join(import.meta.dirname, '../../docs/decisions/policy-kinds.md'), 'utf8');
    assert.ok(rows.includes(`| \`${kind}\` |`), `docs/decisions/policy-kinds.md has no row for ${kind}`);
  });
}

test('callers are told apart by the labels that a row says it looks at', () => {
  const labelled = kinds.filter(kind => POLICY_KINDS[kind].callerLabels !== undefined);
  for (const kind of labelled) {
    const { callerLabels } = POLICY_KINDS[kind] as { callerLabels: (policy: unknown) => readonly string[] };
    const told = meshes.filter(mesh => {
      const keys = [...mesh[kind].values()].flat().flatMap(callerLabels);
      assert.deepEqual(
        keys.filter(key => !mesh.callerLabels.includes(key)),
        [],
      );
      return keys.length > 0;
    });
    assert.ok(told.length > 0, `${kind}: no golden case has a label of callers`);
  }
});
