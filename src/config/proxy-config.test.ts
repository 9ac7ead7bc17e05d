import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readProxyConfig } from './proxy-config.ts';

const pod = { POD_NAME: 'a', POD_NAMESPACE: 'shop', POD_IPS: '10.0.0.1', SERVICE_ACCOUNT: 'a' };

test('connections have no age unless told, and one that is no duration is refused by the flag’s name', () => {
  const read = (more: Record<string, string>) => readProxyConfig({ discovery: 'none' }, { ...pod, ...more });
  const { maxConnectionAgeMs, maxConnectionAgeGraceMs } = read({});
  assert.deepEqual([maxConnectionAgeMs, maxConnectionAgeGraceMs], [0, 0]);
  const told = read({ WEFT_MAX_CONNECTION_AGE: '30m', WEFT_MAX_CONNECTION_AGE_GRACE: '90s' });
  assert.deepEqual([told.maxConnectionAgeMs, told.maxConnectionAgeGraceMs], [1_800_000, 90_000]);
  assert.throws(
    () => read({ WEFT_MAX_CONNECTION_AGE: 'often' }),
    /--max-connection-age is 'often'; it takes off, or a duration/,
  );
});
