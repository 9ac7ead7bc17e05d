// null at every place of every golden input: analysis finds what there is to find, and does not throw.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { withNull } from '../plain/testing/with-null.ts';
import { readObject, refOf, type Stored } from '../registry/index.ts';
import { parseFile } from '../source/index.ts';
import { analyze, meshOfObjects } from './index.ts';

const folder = join(import.meta.dirname, 'golden');

/** One kind of finding has the others' objects in it too: every third place of each input is enough to meet every field. */
const every = 3;

for (const input of globSync('*/bad.yaml', { cwd: folder }).sort()) {
  test(`null anywhere in ${input} does not stop analysis`, () => {
    const stored = parseFile(readFileSync(join(folder, input), 'utf8'), input).objects.map(
      ({ object }): Stored => ({ object, ref: refOf(object) }),
    );
    let at = 0;
    for (const [index, { object }] of stored.entries()) {
      for (const copy of withNull(object)) {
        const read = readObject(copy);
        if (read.kind !== 'object' || at++ % every > 0) continue;
        const objects = stored.with(index, { object: read.object, ref: refOf(read.object) });
        try {
          analyze(meshOfObjects(objects, { expectPods: true }));
        } catch (thrown) {
          assert.fail(`${(thrown as Error).stack}: ${JSON.stringify(read.object)}`);
        }
      }
    }
    assert.ok(at > 5);
  });
}
