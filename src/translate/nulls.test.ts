// null anywhere: people leave a value out (`labels:`), templates render nothing, controllers write null. At every path of every
// golden input, metadata included, through all translators, with the mesh put together, statuses made and one destination of each
// host resolved.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { withNull } from '../plain/testing/with-null.ts';
import { type Change, type KubeObject, keyOf, kindOf, readObject, refOf } from '../registry/index.ts';
import { resolveDestination } from '../resolve/index.ts';
import { objectStatuses } from './status/index.ts';
import { changesOf } from './testing/from-yaml.ts';
import { Translator } from './translator.ts';

const folder = join(import.meta.dirname, 'golden');

function translated(object: KubeObject, translator: Translator): readonly Change[] {
  const ref = refOf(object, 'test.yaml:1');
  const changes: readonly Change[] = [
    {
      type: 'put',
      kind: kindOf(object.apiVersion, object.kind),
      key: keyOf(object.metadata),
      stored: { object, ref },
    },
  ];
  translator.apply(changes);
  return changes;
}

for (const input of globSync('*/*.yaml', { cwd: folder }).sort()) {
  test(`null anywhere in ${input} makes nothing throw`, () => {
    const changes = changesOf(readFileSync(join(folder, input), 'utf8'), basename(input));
    const translator = new Translator();
    translator.apply(changes);
    const caller = { namespace: 'shop', labels: {} };
    let tried = 0;
    for (const change of changes) {
      if (change.type !== 'put') continue;
      for (const copy of withNull(change.stored.object)) {
        const read = readObject(copy);
        if (read.kind !== 'object') continue;
        tried++;
        const where = (): string => JSON.stringify(read.object);
        try {
          const [put] = translated(read.object, translator);
          const { mesh } = translator;
          objectStatuses({
            objects: put?.type === 'put' ? [put.stored] : [],
            problems: translator.problems(),
            mesh,
          });
          if (tried % 10 === 0)
            for (const host of mesh.routeTables.keys()) resolveDestination(mesh, caller, `${host}:80`);
        } catch (thrown) {
          assert.fail(`${String(thrown)}: ${where()}`);
        }
        const failed = translator.problems().find(each => each.code === 'translator-failed');
        assert.equal(failed?.message, undefined, where());
      }
      translator.apply([change]);
    }
    assert.ok(tried > 5, `only ${tried} objects`);
  });
}
