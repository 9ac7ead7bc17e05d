// Policies reach proxies in under a second: a policy is written where the control plane looks, and the caller is refused; it
// goes, and the caller gets in.
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { IdentityMesh } from '../identity/identity-mesh.ts';

const rounds = 10;
const deny = `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: nobody, namespace: shop}
spec: {selector: {matchLabels: {app: web}}, action: DENY, rules: [{}]}
`;

test('a policy holds at the proxy within a second, and no longer a second after it is gone', {
  timeout: 300_000,
}, async t => {
  const mesh = await IdentityMesh.start(t);
  await mesh.proxies();
  const file = join(mesh.folder, 'objects', 'nobody.yaml');
  const tookMs: number[] = [];
  const flip = async (change: () => void, expected: RegExp): Promise<void> => {
    const began = performance.now();
    change();
    for (;;) {
      const answer = await mesh.request();
      if (expected.test(answer)) break;
      assert.ok(performance.now() - began < 60_000, `after a minute still ${answer}`);
      await new Promise(resolve => setTimeout(resolve, 5));
    }
    tookMs.push(performance.now() - began);
  };
  await flip(() => {}, /^200/);
  tookMs.length = 0;
  for (let round = 0; round < rounds; round++) {
    await flip(() => writeFileSync(file, deny), /^403/);
    await flip(() => rmSync(file), /^200/);
  }
  tookMs.sort((a, b) => a - b);
  const medianMs = tookMs[tookMs.length >> 1]!;
  t.diagnostic(
    `${tookMs.length} changes: median ${medianMs.toFixed(0)} ms, longest ${tookMs.at(-1)!.toFixed(0)} ms`,
  );
  // The machine of a test may be busy: what is promised is asked of the median.
  assert.ok(medianMs < 1_000, `median ${medianMs} ms`);
});
