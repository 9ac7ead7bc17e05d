import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { SERVICE_ANNOTATIONS } from './service-annotations.ts';

test('docs/service-annotations.md has every annotation and no other', () => {
  const text = readFileSync(join(import.meta.dirname, '../../../docs/service-annotations.md'), 'utf8');
  const documented = [...text.matchAll(/^\| `(weft\.dev\/[a-z0-9-]+)`/gm)].map(match => match[1]!);
  assert.deepEqual(documented.sort(), [...SERVICE_ANNOTATIONS].sort());
});
