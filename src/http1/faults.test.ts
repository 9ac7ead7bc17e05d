import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { allFaults } from './index.ts';

test('docs/http1.md says of every fault what the codec says', () => {
  const text = readFileSync(new URL('../../docs/http1.md', import.meta.url), 'utf8');
  for (const { code, status, words } of allFaults())
    assert.ok(text.includes(`| \`${code}\` | ${status} | ${words} |`), `${code} is missing or differs`);
});
