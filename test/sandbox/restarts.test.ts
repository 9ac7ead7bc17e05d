// Row 4 of what users suffer from: rolling restarts under HTTP/1 keep-alive, gRPC and WebSocket load, without a client that sees
// an error, with native sidecars and without. WEFT_TEST_RESTARTS says how often. Needs root; leaves nothing behind.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { machineCapabilities, Sandbox, takeDown } from '../../src/sandbox/index.ts';

const skip = machineCapabilities().reasons.join('; ') || false;
const restarts = Number(process.env.WEFT_TEST_RESTARTS ?? 2);
const dir = join(import.meta.dirname, 'restarts', 'mesh');
const kinds = ['GET', 'POST', 'gRPC calls', 'gRPC streams', 'gRPC talks', 'long gRPC streams', 'WebSockets'];

type Tallies = Record<string, { readonly ok: number; readonly failures: readonly string[] }>;

for (const sidecar of ['native', 'classic'] as const) {
  const timeout = 60_000 + restarts * 40_000;
  test(`${restarts} rolling restarts under HTTP, gRPC and WebSocket load, ${sidecar} sidecars: no client sees an error`, {
    skip,
    timeout,
  }, async t => {
    const name = `restarts-${sidecar}-${process.pid}`;
    t.after(() => takeDown(name));
    const sandbox = await Sandbox.up({ dir, name, sidecar });
    await sandbox.ready({ timeoutMs: 60_000 });
    const tallies = (): Tallies => {
      const mark = 'TALLIES ';
      const line = sandbox
        .logs('shop', 'client')
        .split('\n')
        .findLast(each => each.startsWith(mark) && each.endsWith('}'));
      return JSON.parse(line?.slice(mark.length) ?? '{}') as Tallies;
    };
    const until = async (what: string, holds: (now: Tallies) => boolean): Promise<Tallies> => {
      for (const limit = performance.now() + 30_000; ; ) {
        const now = tallies();
        if (holds(now)) return now;
        if (performance.now() > limit)
          assert.fail(`not within 30 s: ${what}: ${JSON.stringify(now).slice(0, 2_000)}`);
        await new Promise(resolve => setTimeout(resolve, 100));
      }
    };
    const before = await until('calls are answered', now => (now['gRPC streams']?.ok ?? 0) > 0);
    const startMs = performance.now();
    for (let i = 0; i < restarts; i++) await sandbox.restart('deploy/shop/echo', { timeoutMs: 40_000 });
    const tookS = (performance.now() - startMs) / 1000;
    const settled = tallies()['gRPC streams']!.ok + 5;
    const after = await until('streams go on', now => now['gRPC streams']!.ok >= settled);
    for (const kind of kinds) {
      assert.deepEqual(after[kind]!.failures.slice(0, 20), [], kind);
      const more = after[kind]!.ok - (before[kind]?.ok ?? 0);
      assert.ok(more >= restarts, `only ${more} of ${kind}`);
    }
    const sums = kinds.map(kind => `${after[kind]!.ok} ${kind}`).join(', ');
    t.diagnostic(`${restarts} restarts in ${tookS.toFixed(1)} s: ${sums}, none failed`);
  });
}
