// The seed's whole example for Kubernetes (ConfigMap, Deployment with a readiness probe, Service), with Weft's proxy in place of
// Sentinel's image: a container of the sandbox is its command, so that is what takes the image's place. Needs root; leaves
// nothing behind.
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { machineCapabilities, Sandbox, takeDown } from '../../src/sandbox/index.ts';

const skip = machineCapabilities().reasons.join('; ') || false;
const name = `sentinel-${process.pid}`;
const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

describe('the seed’s example for Kubernetes', { skip }, () => {
  let folder: string;
  let sandbox: Sandbox;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'weft-sentinel-'));
    cpSync(at('kubernetes'), folder, { recursive: true });
    const seed = readFileSync(at('../seeds/sentinel/complete.yaml'), 'utf8');
    const image = 'image: ghcr.io/raskell-io/sentinel:latest';
    assert.ok(seed.includes(image));
    const command = JSON.stringify(['node', at('../../src/main/weft-proxy.ts')]);
    writeFileSync(
      join(folder, 'complete.yaml'),
      seed.replace(image, `image: weft-proxy\n        command: ${command}`),
    );
    sandbox = await Sandbox.up({ dir: folder, name });
    // Both replicas are ready when /_/health of the listener says so.
    await sandbox.ready({ timeoutMs: 110_000 });
  });
  after(async () => {
    await takeDown(name);
    rmSync(folder, { recursive: true, force: true });
  });

  test('its pods become ready by /_/health, and its Service leads to what Consul knows', async () => {
    const health = await sandbox.fetch('sentinel', '/_/health');
    assert.equal(health.status, 200);
    assert.equal((JSON.parse(health.body) as { status: string }).status, 'healthy');
    let answer = await sandbox.fetch('sentinel', '/api/x');
    for (const limit = performance.now() + 60_000; answer.status !== 200 && performance.now() < limit; ) {
      await new Promise(resolve => setTimeout(resolve, 200));
      answer = await sandbox.fetch('sentinel', '/api/x');
    }
    assert.deepEqual([answer.status, answer.body], [200, 'web /api/x\n']);
    assert.equal((await sandbox.fetch('sentinel', '/other')).status, 404);
  });
});
