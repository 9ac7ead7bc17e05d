import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ownControlGroup } from './control-group.ts';

test('what is started is in the group, which is gone afterwards', t => {
  const name = `weft-test-${process.pid}`;
  const before = readFileSync('/proc/self/cgroup', 'utf8');
  const group = ownControlGroup(name);
  const isInOne = !/^(?:0:|\d+:(?:.*,)?cpu(?:,.*)?):\/$/m.test(before);
  if (typeof group === 'string' || isInOne) {
    t.diagnostic(typeof group === 'string' ? `not here: ${group}` : 'in one already');
    assert.equal(readFileSync('/proc/self/cgroup', 'utf8'), before, 'nothing has changed');
    return;
  }
  try {
    assert.match(
      execFileSync('cat', ['/proc/self/cgroup'], { encoding: 'utf8' }),
      new RegExp(`:/${name}$`, 'm'),
    );
  } finally {
    group.leave();
  }
  assert.equal(readFileSync('/proc/self/cgroup', 'utf8'), before);
  for (const root of ['/sys/fs/cgroup/cpu', '/sys/fs/cgroup'])
    assert.equal(existsSync(`${root}/${name}`), false);
});
