// Certificates of seconds, under load, with the control plane away for more than half of the time: half a minute here, ten
// minutes by make short-lives, which wants a machine with a core to spare: where nothing runs for seconds, 20 s are not enough.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IdentityMesh } from './identity-mesh.ts';

const seconds = Number(process.env.WEFT_SHORT_LIVES ?? 30);

test(`certificates of 20 s for ${seconds} s under load, the control plane away for 60 % of it: no request fails`, {
  timeout: seconds * 2_000 + 60_000,
}, async context => {
  const mesh = await IdentityMesh.start(context, { certificateLifetime: '20s' });
  const { web, front } = await mesh.proxies();
  const serials = new Set<string>();
  const note = setInterval(() => {
    for (const { tls } of [web, front]) serials.add(tls.certificates!.chainPem);
  }, 500);
  context.after(() => clearInterval(note));
  assert.equal(await mesh.request(), '200');
  const stop = mesh.load(2, 10);
  const until = performance.now() + seconds * 1000;
  let awayMs = 0;
  const began = performance.now();
  while (performance.now() < until) {
    mesh.stopInjector();
    const left = performance.now();
    await new Promise(resolve => setTimeout(resolve, 7_000));
    awayMs += performance.now() - left;
    await mesh.startInjector();
    await new Promise(resolve => setTimeout(resolve, 4_000));
  }
  const share = awayMs / (performance.now() - began);
  const load = await stop();
  assert.deepEqual(load.failed, []);
  assert.ok(load.sent > 100, `${load.sent} requests`);
  assert.ok(share > 0.5, `away for ${Math.round(share * 100)} %`);
  assert.ok(serials.size > 3, `${serials.size} certificates`);
});
