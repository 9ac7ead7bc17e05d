import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PortEntry } from './port-entry.ts';

test('whom a port lets in, by its mode', () => {
  const table = (['strict', 'permissive', 'disable'] as const).map(mode => {
    const entry = new PortEntry(mode, 'p');
    const lets = [false, true].map(mutualTls => entry.judge({ mutualTls }));
    return [mode, ...lets, entry.answersMesh, entry.takesBoth];
  });
  assert.deepEqual(table, [
    ['strict', false, true, true, false],
    ['permissive', true, true, true, true],
    ['disable', true, true, false, false],
  ]);
});
