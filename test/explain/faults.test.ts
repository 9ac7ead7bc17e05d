// Faults that are brought about on real proxies, and what `weft explain` says of each: the table in docs/explain.md.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { formatRef } from '../../src/model/index.ts';
import { FaultMesh } from './fault-mesh.ts';
import { answerFaults } from './faults-of-answers.ts';
import { connectionFaults } from './faults-of-connections.ts';
import { placeFaults } from './faults-of-places.ts';
import { policyFaults } from './faults-of-policies.ts';
import { requestFaults } from './faults-of-requests.ts';

const faults = [...policyFaults, ...connectionFaults, ...placeFaults, ...answerFaults, ...requestFaults];

for (const fault of faults) {
  test(`explained: ${fault.name}`, async t => {
    const mesh = new FaultMesh(fault.options);
    t.after(() => mesh.close());
    await fault.inject(mesh);
    const record = await mesh.lastFailure(fault.at === 'api' ? mesh.api : mesh.web);
    const { cause, notes } = mesh.explain(record);
    const object = cause?.object && formatRef({ ...cause.object, origin: undefined });
    const all = JSON.stringify({ cause, notes, record }, undefined, 1);
    assert.equal(cause?.code, fault.cause, all);
    assert.equal(object, fault.object, all);
    assert.match(cause!.words, fault.words, all);
    if (fault.command !== undefined)
      assert.ok(
        cause!.commands.some(command => fault.command!.test(command)),
        all,
      );
    assert.notEqual(cause!.remedy, '');
    if (fault.note !== undefined)
      assert.ok(
        notes.some(note => fault.note!.test(note)),
        all,
      );
  });
}

test('the table in docs/explain.md has every cause that is named here', () => {
  const text = readFileSync('docs/explain.md', 'utf8');
  const named = [...text.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, code]) => code);
  assert.deepEqual(
    [...new Set(faults.map(({ cause }) => cause))].filter(code => !named.includes(code)),
    [],
  );
});
