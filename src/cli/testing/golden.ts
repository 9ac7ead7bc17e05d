import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Compares with a file, or with UPDATE_GOLDEN=1 writes it anew. */
export function assertGolden(file: string, text: string): void {
  const whole = `${text}\n`;
  if (process.env.UPDATE_GOLDEN) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, whole);
  }
  assert.equal(whole, readFileSync(file, 'utf8'), 'differs; UPDATE_GOLDEN=1 writes it anew');
}
