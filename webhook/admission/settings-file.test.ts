import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { FakeClock } from '../../src/time/index.ts';
import { followWebhookSettings, readWebhookSettings, supportsNativeSidecars } from './settings-file.ts';
import { Recorder } from './testing/admission.ts';

const facts = {
  trustDomain: 'mesh.example',
  clusterDomain: 'cluster.local',
  systemNamespace: 'weft-system',
  nativeSidecars: true,
};

test('an empty file means the defaults, with what the process knows', () => {
  const { settings, problems } = readWebhookSettings('', facts);
  assert.deepEqual(problems, []);
  assert.equal(settings?.refusedPods, 'deny');
  assert.equal(settings.inject.nativeSidecar, true);
  assert.equal(settings.inject.acceptOtherMeshes, false);
  assert.equal(settings.inject.injectByDefault, false);
  assert.equal(settings.inject.controlPlaneIdentity, 'spiffe://mesh.example/ns/weft-system/sa/weft-injector');
});

test('every setting is read', () => {
  const text = `
proxyImage: registry.example/weft-proxy:1
imagePullPolicy: Never
nativeSidecars: off
acceptLabels: [istio]
refusedPods: admit
rewriteProbes: false
proxyResources: {memoryLimit: 1Gi}
logLevel: debug`;
  const { settings } = readWebhookSettings(text, facts);
  assert.equal(settings?.refusedPods, 'admit');
  const { proxyImage, nativeSidecar, acceptOtherMeshes, rewriteProbes, resources, logLevel } =
    settings.inject;
  assert.deepEqual(
    { proxyImage, nativeSidecar, acceptOtherMeshes, rewriteProbes, resources, logLevel },
    {
      proxyImage: 'registry.example/weft-proxy:1',
      nativeSidecar: false,
      acceptOtherMeshes: true,
      rewriteProbes: false,
      resources: { cpuRequest: '10m', memoryRequest: '64Mi', memoryLimit: '1Gi' },
      logLevel: 'debug',
    },
  );
});

test('native sidecars where they are needed, on clusters that have them', () => {
  for (const nativeSidecars of [true, false]) {
    const { settings } = readWebhookSettings('nativeSidecars: needed', { ...facts, nativeSidecars });
    assert.equal(settings?.inject.nativeSidecar, nativeSidecars ? 'needed' : false);
  }
});

test('every mistake is named, unknown settings too', () => {
  const text =
    'refusedPods: maybe\nlogLevel: loud\nproxyResources: {cpu: 1, cpuLimit: many}\nproxyimage: x\nacceptLabels: istio';
  const { settings, problems } = readWebhookSettings(text, facts);
  assert.equal(settings, undefined);
  assert.equal(problems.length, 6, problems.join('\n'));
  assert.match(problems.join('\n'), /proxyimage: there is no such setting; there are .*proxyImage/);
  assert.match(readWebhookSettings('a: [', facts).problems[0]!, /not readable as YAML/);
  assert.match(readWebhookSettings('- a', facts).problems[0]!, /not a map/);
});

test('native sidecars follow the version of the server', () => {
  assert.equal(supportsNativeSidecars({ major: '1', minor: '28+' }), false);
  assert.equal(supportsNativeSidecars({ major: '1', minor: '29' }), true);
  assert.equal(supportsNativeSidecars({ major: '1', minor: '30-eks' }), true);
  assert.equal(supportsNativeSidecars({ major: '2', minor: '0' }), true);
  assert.equal(supportsNativeSidecars({}), false);
});

test('a changed file takes effect, an unusable one leaves the last good settings', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'weft-settings-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'injection.yaml');
  const clock = new FakeClock();
  const record = new Recorder();
  const stop = new AbortController();
  const options = { path, facts, clock, log: record.log, signal: stop.signal };
  await assert.rejects(followWebhookSettings(options), /injection.yaml are unusable: ENOENT/);
  await writeFile(path, 'logLevel: warn');
  const current = await followWebhookSettings(options);
  assert.equal(current().inject.logLevel, 'warn');
  const until = async (lines: number) => {
    clock.advance(10_000);
    while (record.lines.length < lines) await new Promise(resolve => setImmediate(resolve));
  };
  await writeFile(path, 'logLevel: error');
  await until(1);
  assert.equal(current().inject.logLevel, 'error');
  await writeFile(path, 'logLevel: loud');
  await until(2);
  assert.equal(current().inject.logLevel, 'error');
  assert.match(record.lines[1]!, /last good ones stay/);
  stop.abort();
});
