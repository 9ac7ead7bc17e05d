import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { VERSION } from './version.ts';

test('the version in the source is the version of the package', () => {
  const file = new URL('../../package.json', import.meta.url);
  assert.equal(VERSION, (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version);
});
