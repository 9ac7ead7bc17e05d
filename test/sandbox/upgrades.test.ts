// Proxies that take over another program without a restart of their pods, under load of every kind that they carry, through real
// packet rules and mutual TLS: no client sees an error. WEFT_TEST_UPGRADES says how often. Needs root; leaves nothing behind.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { machineCapabilities, Sandbox, takeDown } from '../../src/sandbox/index.ts';

const skip = machineCapabilities().reasons.join('; ') || false;
const upgrades = Number(process.env.WEFT_TEST_UPGRADES ?? 3);
const dir = join(import.meta.dirname, 'upgrades', 'mesh');
const weft = join(import.meta.dirname, '../../src/main/weft.ts');
const kinds = ['GET', 'POST', 'GET on new connections', 'gRPC calls', 'gRPC talks', 'WebSockets', 'TCP'];

type Tallies = Record<string, { readonly ok: number; readonly failures: readonly string[] }>;

/** A command with its words and exit code. */
function run(...args: string[]): Promise<{ readonly out: string; readonly code: number }> {
  return new Promise(resolve => {
    execFile(process.execPath, [weft, ...args], (error, stdout, stderr) =>
      resolve({ out: stdout + stderr, code: error === null ? 0 : Number(error.code ?? 1) }),
    );
  });
}

async function until<T>(what: string, look: () => Promise<T> | T, holds: (now: T) => boolean): Promise<T> {
  for (const limit = performance.now() + 60_000; ; ) {
    const now = await look();
    if (holds(now)) return now;
    if (performance.now() > limit)
      assert.fail(`not within a minute: ${what}: ${JSON.stringify(now).slice(0, 2_000)}`);
    await new Promise(resolve => setTimeout(resolve, 200));
  }
}

for (const sidecar of ['native', 'classic'] as const) {
  const timeout = 120_000 + upgrades * 60_000;
  test(`${upgrades} upgrades of both proxies under load, ${sidecar} sidecars: no client sees an error`, {
    skip,
    timeout,
  }, async t => {
    const name = `upgrades-${sidecar}-${process.pid}`;
    t.after(() => takeDown(name));
    const sandbox = await Sandbox.up({ dir, name, sidecar });
    await sandbox.ready({ timeoutMs: 60_000 });
    const upgrade = (...args: string[]): ReturnType<typeof run> =>
      run('upgrade', 'proxies', '--sandbox', name, '-n', 'shop', ...args);
    const tallies = (): Tallies => {
      const mark = 'TALLIES ';
      const line = sandbox
        .logs('shop', 'client')
        .split('\n')
        .findLast(each => each.startsWith(mark) && each.endsWith('}'));
      return JSON.parse(line?.slice(mark.length) ?? '{}') as Tallies;
    };
    const metrics = async (pod: string): Promise<string> =>
      (await sandbox.fetch(pod, '/metrics', { port: 15020 })).body;
    const counted = async (): Promise<number> =>
      (await metrics('pod/shop/client'))
        .split('\n')
        .filter(line => line.startsWith('istio_requests_total{'))
        .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
    const went = (now: Tallies, than: Tallies): boolean =>
      kinds.every(kind => (now[kind]?.ok ?? 0) > (than[kind]?.ok ?? 0) + 3);
    const before = await until('every kind of load goes on', tallies, now => went(now, {}));

    const dry = await upgrade('--dry-run');
    assert.match(dry.out, /^shop\/client: would be upgraded; runs \d+\.\d+\.\d+$/m);
    assert.match(
      dry.out,
      /^shop\/other: stays: this pod does not allow upgrades .* weft\.dev\/live-upgrade: allow/m,
    );
    assert.match(await metrics('pod/shop/echo'), /^weft_proxy_upgrades_total\{outcome="done"\} 0$/m);

    const startMs = performance.now();
    let last = await counted();
    for (let i = 0; i < upgrades; i++) {
      // Both before either: two that are upgraded in turns are never drained at the same time.
      await until(
        'the processes of before have drained',
        () => upgrade('--again', '--dry-run'),
        each => !/connections of before its last upgrade/.test(each.out),
      );
      const { out, code } = await upgrade('--again', '--at-once', '2');
      assert.equal(code, 0, out);
      assert.match(out, /^\[\d\/2\] shop\/client: upgraded$/m);
      assert.match(out, /^\[\d\/2\] shop\/echo: upgraded$/m);
      const now = await counted();
      assert.ok(now >= last, `counters fell from ${last} to ${now}`);
      last = now;
    }
    const tookS = (performance.now() - startMs) / 1000;
    const settled = tallies();
    const after = await until('every kind of load goes on', tallies, now => went(now, settled));
    for (const kind of kinds) {
      assert.deepEqual(after[kind]!.failures.slice(0, 20), [], kind);
      assert.ok(after[kind]!.ok - before[kind]!.ok >= upgrades, kind);
    }
    for (const pod of ['client', 'echo']) {
      const text = await metrics(`pod/shop/${pod}`);
      assert.match(text, new RegExp(`^weft_proxy_upgrades_total\\{outcome="done"\\} ${upgrades}$`, 'm'));
    }
    const sums = kinds.map(kind => `${after[kind]!.ok - before[kind]!.ok} ${kind}`).join(', ');
    t.diagnostic(`${upgrades} upgrades of two proxies in ${tookS.toFixed(1)} s: ${sums}, none failed`);
  });
}
