import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { memoryGroup } from './working-set.ts';

test('what a process in the group takes is counted, and the group goes with it', async t => {
  const name = `weft-test-memory-${process.pid}`;
  const group = memoryGroup(name);
  if (typeof group === 'string') {
    t.diagnostic(`not here: ${group}`);
    assert.notEqual(group, '');
    return;
  }
  const [command, ...words] = [
    ...group.prefix,
    process.execPath,
    '-e',
    'const b = Buffer.alloc(64 << 20, 1); console.log(b.length); process.stdin.resume();',
  ];
  const child = spawn(command!, words, { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    const [said] = (await once(child.stdout, 'data')) as [Buffer];
    assert.equal(Number(said), 64 << 20);
    const kb = group.workingSetKb();
    assert.ok(kb > 64 << 10 && kb < 64 << 12, `${kb} kB`);
  } finally {
    child.kill('SIGKILL');
    await once(child, 'close');
    group.remove();
  }
  const again = memoryGroup(name);
  assert.notEqual(typeof again, 'string', 'the first one is gone');
  if (typeof again !== 'string') again.remove();
});
