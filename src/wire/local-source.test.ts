import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

const program = join(import.meta.dirname, 'testing/many-sources.ts');
/** Of the network that the connections are made in. */
const PORTS = 100;

/** In a network of its own; undefined where none can be made. */
function inOwnNetwork(...words: string[]): { asked: number; errors: string[] } | undefined {
  const prepare = `ip link set lo up && echo "40000 ${40_000 + PORTS - 1}" > /proc/sys/net/ipv4/ip_local_port_range`;
  const own = ['--net', '--', 'sh', '-c', `${prepare} && exec "$@"`, 'sh', process.execPath, program];
  if (spawnSync('unshare', ['--net', 'true']).status !== 0) return undefined;
  const { stdout, stderr, status } = spawnSync('unshare', [...own, ...words], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

for (const address of ['127.0.0.6', '::1'])
  test(`ports of connections from ${address} are short only where they all go to one place`, context => {
    // 80 to each of two servers that are closed by us, whose ports the kernel keeps for a minute; then 80 to each of two others.
    const result = inOwnNetwork(address, '80', '80');
    if (result === undefined) return context.skip('no network of its own can be made here; run as root');
    assert.deepEqual(result, { asked: 320, errors: [] });
  });
