import assert from 'node:assert/strict';
import { test } from 'node:test';
import { corpus, seeds } from './corpus.ts';
import { minimise } from './minimise.ts';
import { checkSplits, escaped, fuzz } from './run.ts';

test('agrees with a strict llhttp and with itself in pieces on 20,000 generated streams', () => {
  const findings = fuzz({ cases: 20_000, seed: 20_261, maxFindings: 1, seeds: seeds() });
  assert.deepEqual(findings, []);
});

for (const one of corpus()) {
  test(`agrees on a case that was once wrong: ${escaped(one.bytes).slice(0, 90)}`, () => {
    assert.equal(checkSplits(one), undefined);
  });
}

test('findings are made as small as they can be', () => {
  const long = { kind: 'request', bytes: `${'a'.repeat(500)}!${'b'.repeat(700)}?`, toHead: [] } as const;
  const small = minimise(long, one => one.bytes.includes('!') && one.bytes.includes('?'));
  assert.equal(small.bytes, '!?');
});
