// Whatever stands in a field, a translator collects problems and does not throw: every value of the golden cases, replaced by one
// of every other type, one at a time.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { KubeObject } from '../registry/index.ts';
import { consul } from './consul/index.ts';
import type { KindTranslator } from './dialect.ts';
import { linkerd } from './linkerd/index.ts';
import { Report } from './report.ts';
import { smi } from './smi/index.ts';
import { changesOf } from './testing/from-yaml.ts';

const dialects: Readonly<Record<string, readonly KindTranslator[]>> = { consul, linkerd, smi };
const wrong: readonly unknown[] = [
  null,
  7,
  -1.5,
  '',
  'x',
  true,
  [],
  {},
  [null],
  [7],
  [{}],
  { x: {} },
  [['x']],
];
const context = {
  trustDomain: 'cluster.local',
  clusterDomain: 'cluster.local',
  rootNamespaces: [],
  site: {},
};

for (const [dialect, translators] of Object.entries(dialects)) {
  test(`no value of a wrong type makes a translator of ${dialect} throw`, () => {
    let tried = 0;
    for (const { kind, stored } of objectsOf(dialect)) {
      const translator = translators.find(each => each.kind === kind);
      if (!translator) continue;
      for (const object of mutants(stored.object)) {
        tried++;
        const report = new Report(stored.ref);
        try {
          translator.translate(object as KubeObject, context, report);
        } catch (thrown) {
          assert.fail(`${JSON.stringify(object)}: ${String(thrown)}`);
        }
        for (const { message } of report.problems)
          assert.match(message, /^[^A-Z]|^[A-Z]\w+ is not supported/);
      }
    }
    assert.ok(tried > 200, `only ${tried} objects`);
  });
}

function objectsOf(dialect: string): Extract<ReturnType<typeof changesOf>[number], { type: 'put' }>[] {
  const folder = join(import.meta.dirname, 'golden', dialect);
  return globSync('*.yaml', { cwd: folder })
    .flatMap(file => changesOf(readFileSync(join(folder, file), 'utf8'), file))
    .filter(each => each.type === 'put');
}

/** The object with one value in its spec replaced; its head has been checked before translators see it. */
function* mutants(object: KubeObject): Iterable<unknown> {
  for (const field of ['spec', 'matches']) {
    if (object[field] === undefined) continue;
    for (const value of replaced(object[field])) yield { ...object, [field]: value };
  }
}

function* replaced(value: unknown): Iterable<unknown> {
  yield* wrong;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) for (const each of replaced(value[i])) yield value.with(i, each);
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, inner] of Object.entries(value))
      for (const each of replaced(inner)) yield { ...value, [name]: each };
  }
}
