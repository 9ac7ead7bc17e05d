// What is kept of Secrets: what gateways have a use for, and nothing else.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Report } from '../report.ts';
import { secretTranslator } from './credentials.ts';

/** What is kept of a Secret with these values, which the API server has in base64. */
function kept(texts: Readonly<Record<string, string>>, field: 'data' | 'stringData'): unknown {
  const values = Object.fromEntries(
    Object.entries(texts).map(([key, text]) => [
      key,
      field === 'data' ? Buffer.from(text).toString('base64') : text,
    ]),
  );
  const report = new Report({ apiVersion: 'v1', kind: 'Secret', namespace: 'shop', name: 'mixed' });
  const object = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'mixed', namespace: 'shop' },
    [field]: values,
  };
  const parts = secretTranslator.translate(object, undefined as never, report);
  return parts.map(part => ('policy' in part ? (part.policy as { data?: unknown }).data : part));
}

const used = { 'ca.crt': 'an authority', auth: 'ann:{SHA}x' };
const users = {
  ann: '$apr1$7yXrLmwK$PDJAsmOVYrMzCib.J.NGl/',
  bob: '$2y$04$abcdefghijklmnopqrstuuZ1',
  eve: '{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n',
};
const others = { password: 'hunter2', token: '$1$x$y', note: `{SHA}${'a'.repeat(600)}`, empty: '' };

for (const field of ['data', 'stringData'] as const) {
  test(`of a Secret's ${field}, passwords and tokens that are no hash are not kept`, () => {
    assert.deepEqual(kept({ ...used, ...users, ...others }, field), [{ ...used, ...users }]);
    assert.deepEqual(kept(others, field), [], 'a Secret without anything of use is as if it were not there');
  });
}
