import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { fewest, limits, needed, type Parameters, table } from './model.ts';

const parameters: Parameters = {
  ...{ readyMb: 130, pods: 0, proxyKb: 150, joinUs: 5_000, pushUs: 50, editUs: 300, idleUs: 40 },
};

test('a mesh takes what its proxies, pushes and changes take', () => {
  const mesh = { proxies: 1_000, changes: 5, followers: 200 };
  const { busy, ...one } = needed(parameters, mesh, 1);
  assert.deepEqual(one, { replicas: 1, memoryMb: 288.4, reconnectSeconds: 5, hangSeconds: 1.5 });
  // 1,000 pushes, 10 edits, 1,000 idle proxies.
  assert.ok(Math.abs(busy - (0.05 + 0.003 + 0.04)) < 1e-9, String(busy));
  const { busy: shared, memoryMb } = needed(parameters, mesh, 2);
  assert.ok(Math.abs(shared - (0.025 + 0.003 + 0.02)) < 1e-9, String(shared));
  assert.ok(Math.abs(memoryMb - 213.4) < 1e-9);
});

test('beats are bounded, however many proxies a replica has', () => {
  const quiet = (proxies: number): number =>
    needed(parameters, { proxies, changes: 0, followers: 0 }, 1).busy;
  assert.ok(Math.abs(quiet(10_000) - quiet(2_500)) < 1e-9);
});

test('as few replicas as keep every bound, and none where reading alone breaks one', () => {
  for (const proxies of [10_000, 100_000]) {
    const mesh = { proxies, changes: proxies / 200, followers: 200 };
    const least = fewest(parameters, mesh)!;
    assert.ok(least.busy <= limits.busy && least.memoryMb <= limits.memoryMb);
    const less = needed(parameters, mesh, least.replicas - 1);
    assert.ok(
      less.busy > limits.busy ||
        less.memoryMb > limits.memoryMb ||
        less.reconnectSeconds > limits.reconnectSeconds,
    );
  }
  assert.equal(fewest(parameters, { proxies: 1e6, changes: 0, followers: 0 }), undefined);
  assert.match(table(parameters), /^\| proxies .*\n\|---.*\n\| 1,000 \| 5 \| 288 MB, /);
});

test('a file that is none is refused in one line', () => {
  const { status, stderr } = spawnSync(
    process.execPath,
    [join(import.meta.dirname, 'model.ts'), '/nonexistent'],
    {
      encoding: 'utf8',
    },
  );
  assert.equal(status, 2);
  assert.match(stderr, /^model: cannot read '\/nonexistent' [^\n]*\n$/);
});
