// A control plane and proxies of builds that are a hundred commits apart, in both directions, under load of every kind that
// proxies carry, through real packet rules and mutual TLS: no client sees an error, and changes of configuration arrive. The
// older build is made of this repository's own history, so it needs a clone that has it. Needs root; leaves nothing behind.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { machineCapabilities, Sandbox, takeDown } from '../../src/sandbox/index.ts';

/** Before there were join tokens, programs for proxies over the stream, and sessions that gateways resume at each other. */
const older = '0f1ea3f7';

const root = join(import.meta.dirname, '../..');
const dir = join(import.meta.dirname, 'upgrades', 'mesh');
const hasOlder = spawnSync('git', ['-C', root, 'cat-file', '-e', `${older}^{commit}`]).status === 0;
const reasons = [...machineCapabilities().reasons];
if (!hasOlder) reasons.push(`this is no clone with the commit ${older}; git fetch --unshallow brings it`);
const skip = reasons.join('; ') || false;
const kinds = ['GET', 'POST', 'GET on new connections', 'gRPC calls', 'gRPC talks', 'WebSockets', 'TCP'];

type Tallies = Record<string, { readonly ok: number; readonly failures: readonly string[] }>;

/** The older build's source, with the packages of this one. Removed after the test. */
function olderSource(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'weft-older-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const archive = execFileSync('git', ['-C', root, 'archive', older], { maxBuffer: 1 << 30 });
  execFileSync('tar', ['-x', '-C', folder], { input: archive });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  return folder;
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

/** Every answer of echo says how often the configuration was changed. */
const change = (count: number): string => `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: echo, namespace: shop }
spec:
  hosts: [echo.shop.svc.cluster.local]
  http:
    - match: [{ port: 80 }]
      headers: { response: { set: { x-change: "${count}" } } }
      route: [{ destination: { host: echo.shop.svc.cluster.local, port: { number: 80 } } }]
    - match: [{ port: 9090 }]
      route: [{ destination: { host: echo.shop.svc.cluster.local, port: { number: 9090 } } }]
`;

for (const side of ['weft-proxy', 'weft-injector'] as const) {
  const what = side === 'weft-proxy' ? 'proxies are' : 'control plane is';
  test(`under load, while the ${what} of an older build: no client sees an error, and changes arrive`, {
    skip,
    timeout: 240_000,
  }, async t => {
    const name = `versions-${side === 'weft-proxy' ? 'proxy' : 'control'}-${process.pid}`;
    t.after(() => takeDown(name));
    const programs = { [side]: join(olderSource(t), 'src/main', `${side}.ts`) };
    const sandbox = await Sandbox.up({ dir, name, programs });
    await sandbox.ready({ timeoutMs: 60_000 });
    const tallies = (): Tallies => {
      const mark = 'TALLIES ';
      const line = sandbox
        .logs('shop', 'client')
        .split('\n')
        .findLast(each => each.startsWith(mark) && each.endsWith('}'));
      return JSON.parse(line?.slice(mark.length) ?? '{}') as Tallies;
    };
    const went = (now: Tallies, than: Tallies): boolean =>
      kinds.every(kind => (now[kind]?.ok ?? 0) > (than[kind]?.ok ?? 0) + 3);
    const before = await until('every kind of load goes on', tallies, now => went(now, {}));

    // Proof of which side is the older one: only a build with live upgrades counts them.
    const page = (await sandbox.fetch('pod/shop/client', '/metrics', { port: 15020 })).body;
    assert.equal(/^weft_proxy_upgrades_total/m.test(page), side !== 'weft-proxy');

    const script =
      "fetch('http://echo.shop/change').then(answer => console.log(answer.headers.get('x-change')))";
    for (let count = 1; count <= 5; count++) {
      assert.deepEqual(await sandbox.apply('change', change(count)), []);
      await until(
        `change ${count}`,
        () => sandbox.exec('pod/shop/client', ['node', '-e', script], 'client'),
        ({ output }) => output.trim() === String(count),
      );
    }
    const settled = tallies();
    const after = await until('every kind of load goes on', tallies, now => went(now, settled));
    for (const kind of kinds) assert.deepEqual(after[kind]!.failures.slice(0, 20), [], kind);
    const sums = kinds.map(kind => `${after[kind]!.ok - before[kind]!.ok} ${kind}`).join(', ');
    t.diagnostic(`${older} as ${side}: ${sums}, none failed`);
  });
}
