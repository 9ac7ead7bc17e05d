import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { processMemory } from './index.ts';

test('a limit is one that a machine can have, or none', () => {
  const { limits } = processMemory();
  assert.ok(limits.heapBytes > 0 && limits.heapBytes < 2 ** 50);
  assert.ok(limits.residentBytes === Number.POSITIVE_INFINITY || limits.residentBytes < 2 ** 50);
});

test('what a peak leaves behind is gone after a collection, and what is needed is not', () => {
  // In a process of its own: other tests of this one must not move the figures.
  const program = `
    import { processMemory } from './src/memory/index.ts';
    const machine = processMemory();
    const of = () => Object.values(machine.use()).map(bytes => Math.round(bytes / 1048576));
    machine.collect();
    const before = of();
    const kept = Array.from({ length: 400_000 }, (_, i) => ({ i, text: 'x' + i }));
    let peak = Array.from({ length: 600 }, () => Buffer.alloc(65_000, 1)).concat(Array.from({ length: 400_000 }, (_, i) => ({ i })));
    const high = of();
    peak = undefined;
    machine.collect();
    console.log(JSON.stringify({ before, high, after: of(), kept: kept.length }));`;
  const printed = execFileSync(process.execPath, ['--input-type=module-typescript', '-e', program], {
    encoding: 'utf8',
  });
  const { before, high, after } = JSON.parse(printed) as Record<'before' | 'high' | 'after', number[]>;
  for (const i of [0, 1]) {
    assert.ok(high[i]! > after[i]!, `it falls again: ${printed}`);
    assert.ok(after[i]! >= before[i]! + 15, `what is kept still counts: ${printed}`);
  }
  assert.ok(high[0]! - after[0]! >= 40, `buffers go back to the kernel: ${printed}`);
});
