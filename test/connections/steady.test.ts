// Row "ephemeral ports exhausted": new connections at a steady rate for a long time, each of which becomes one to the app. The
// short form has so few ports that they must be used again; `make connections` is 1,000 a second for ten minutes with the ports
// that Linux has. WEFT_TEST_CONNECTIONS says how many a second, WEFT_TEST_CONNECTIONS_SECONDS how long.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';

const isLong = process.env.WEFT_TEST_CONNECTIONS_SECONDS !== undefined;
const seconds = Number(process.env.WEFT_TEST_CONNECTIONS_SECONDS ?? 6);
const rate = Number(process.env.WEFT_TEST_CONNECTIONS ?? 400);
const ports = isLong ? '' : 'echo "40000 41999" > /proc/sys/net/ipv4/ip_local_port_range; ';

test(`${rate} new connections a second for ${seconds} s: each is answered, and none lacks a port`, {
  timeout: 120_000 + seconds * 5_000,
}, async context => {
  if (spawnSync('unshare', ['--net', 'true']).status !== 0)
    return context.skip('no network of its own can be made here; run as root');
  const program = [process.execPath, join(import.meta.dirname, 'steady.ts'), `${rate}`, `${seconds}`];
  const script = `set -e; ip link set lo up; ${ports}exec "$@"`;
  const child = spawn('unshare', ['--net', '--', 'sh', '-c', script, 'sh', ...program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  context.after(() => child.kill('SIGKILL'));
  const [printed] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  const { begun, answered, errors, perSecond } = JSON.parse(printed);
  context.diagnostic(`${perSecond} a second`);
  assert.deepEqual({ begun, answered, errors }, { begun: rate * seconds, answered: begun, errors: {} });
});
