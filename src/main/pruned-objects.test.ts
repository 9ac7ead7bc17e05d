// What the control plane keeps of an object of the API is all that dialects read: the golden cases come to the same mesh.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ApiObject } from '../kubernetes/index.ts';
import { recordOf } from '../plain/index.ts';
import { type KubeObject, kindOf } from '../registry/index.ts';
import { pruneOf } from '../source/kubernetes/prune.ts';
import { changesOf } from '../translate/testing/from-yaml.ts';
import { readable } from '../translate/testing/readable.ts';
import { Translator } from '../translate/translator.ts';

const folder = join(import.meta.dirname, '../translate/golden');

/** What no server would have taken is no object of the API. */
const refused = ['kubernetes/bad-objects.yaml'];
const cases = globSync('*/*.yaml', { cwd: folder }).filter(each => !refused.includes(each));

/** Servers keep `stringData` of a Secret as `data`. */
function asServed(object: KubeObject): ApiObject {
  const { stringData, ...rest } = object;
  const texts = Object.entries(recordOf(stringData)).map(([key, text]) => [
    key,
    Buffer.from(String(text)).toString('base64'),
  ]);
  return stringData === undefined
    ? object
    : { ...rest, data: { ...recordOf(rest.data), ...Object.fromEntries(texts) } };
}

for (const file of cases.sort()) {
  test(`nothing that is read is cut away: ${file}`, () => {
    const changes = changesOf(readFileSync(join(folder, file), 'utf8'), file);
    const pruned = changes.map(change => {
      if (change.type !== 'put') return change;
      const { object } = change.stored;
      const kept = pruneOf(kindOf(object.apiVersion, object.kind))(asServed(object)) as KubeObject;
      const { apiVersion, kind } = object;
      return { ...change, stored: { ...change.stored, object: { ...kept, apiVersion, kind } } };
    });
    const meshOf = (from: typeof changes): unknown => {
      const translator = new Translator();
      return readable(translator.apply(from).mesh, []);
    };
    const served = changes.map(change =>
      change.type === 'put'
        ? { ...change, stored: { ...change.stored, object: asServed(change.stored.object) as KubeObject } }
        : change,
    );
    assert.deepEqual(meshOf(pruned), meshOf(served));
  });
}
