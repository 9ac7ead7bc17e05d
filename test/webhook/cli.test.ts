// The commands as people run them, against a real API server: install, check, upgrade, version, uninstall.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseAllDocuments } from 'yaml';
import {
  type ApiServer,
  DEFINITIONS_GONE_SECONDS,
  noApiServer,
  serverVersion,
  startApiServer,
} from './api-server.ts';

const main = new URL('../../src/main/weft.ts', import.meta.url).pathname;
const forServer = ['--kubernetes-version', serverVersion()];

describe('weft with a cluster', { skip: noApiServer }, () => {
  let api: ApiServer;

  before(async () => {
    api = await startApiServer();
  });
  after(() => api?.stop());

  function weft(...args: string[]): { status: number | null; stdout: string; stderr: string } {
    const env = { ...process.env, KUBECONFIG: api.kubeconfig };
    return spawnSync(process.execPath, [main, ...args], { encoding: 'utf8', env });
  }

  async function apply(text: string): Promise<void> {
    for (const document of parseAllDocuments(text)) {
      const answer = await api.create(document.toJS() as object);
      assert.ok(answer.status < 300, JSON.stringify(answer.body));
    }
  }

  test('before an installation the cluster is found fit, and nothing installed', () => {
    const { status, stdout } = weft('check', '--pre');
    // What install prints by itself is for current versions; the oldest needs to be told, and check says how.
    const isOldest = serverVersion() === '1.20';
    assert.equal(status, isOldest ? 1 : 0, stdout);
    assert.match(
      stdout,
      isOldest
        ? /no poddisruptionbudgets of policy\/v1\n\s+remedy: weft install --kubernetes-version 1\.20 \| kubectl apply -f -\n/
        : /all is well/,
    );
    assert.match(weft('version').stdout, /control plane: not installed in this cluster/);
    const upgrade = weft('upgrade', '--dry-run');
    assert.equal(upgrade.status, 1);
    assert.match(upgrade.stderr, /^error: there is no Weft in this cluster; weft install prints it/);
    assert.match(weft('uninstall').stderr, /nothing of Weft/);
  });

  test('what install prints is accepted, and an upgrade then sees no difference', async () => {
    await apply(weft('install', ...forServer, '--trust-domain', 'mesh.example', '--replicas', '3').stdout);
    assert.match(weft('version').stdout, /control plane 0\.\d+\.\d+ \(namespace weft-system\)/);
    assert.match(weft('upgrade', '--dry-run').stdout, /nothing would change/);
    const changed = weft('upgrade', '--dry-run', '--replicas', '2', '--log-level', 'debug').stdout;
    assert.match(changed, /^Deployment weft-system\/weft-injector would change$/m);
    assert.match(changed, /^ {2}- {2}replicas: 3$/m);
    assert.match(changed, /^ {2}\+ {12}- --log-level=debug$/m);
    assert.match(weft('upgrade').stdout, /--trust-domain=mesh\.example/);
  });

  test('a difference that somebody made by hand is seen', async () => {
    const path = '/apis/apps/v1/namespaces/weft-system/deployments/weft-injector';
    const body = { spec: { template: { spec: { terminationGracePeriodSeconds: 5 } } } };
    await api.request({ method: 'PATCH', path, body, contentType: 'application/merge-patch+json' });
    const { stdout } = weft('upgrade', '--dry-run');
    assert.match(stdout, /-.*terminationGracePeriodSeconds: 5\n.*\+.*terminationGracePeriodSeconds: 30/);
  });

  test('check tells what is not well with its remedy, for people and for scripts', () => {
    const { status, stdout } = weft('check');
    assert.equal(status, 1);
    assert.match(stdout, /✗ 0 of 3 replicas are ready\n {6}remedy: kubectl describe pods -n weft-system/);
    const done = JSON.parse(weft('check', '-o', 'json').stdout) as {
      id: string;
      findings: { result: string }[];
    }[];
    assert.ok(
      done.find(({ id }) => id === 'control-plane')?.findings.some(({ result }) => result === 'error'),
    );
  });

  test('uninstall warns of pods with a proxy, deletes only when told, and leaves nothing', {
    timeout: 240_000,
  }, async () => {
    const trust = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'weft-trust', namespace: 'default' },
      data: {},
    };
    await api.create(trust);
    const annotations = { 'weft.dev/status': '{"version":"0.0.1"}' };
    const metadata = { name: 'meshed', namespace: 'default', annotations };
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata,
      spec: { containers: [{ name: 'a', image: 'a' }] },
    };
    assert.ok((await api.create(pod)).status < 300);
    const printed = weft('uninstall');
    assert.match(
      printed.stderr,
      /1 pods in namespace default have a proxy; take it out with: kubectl label namespace default/,
    );
    const kinds = parseAllDocuments(printed.stdout).map(
      document => (document.toJS() as { kind: string }).kind,
    );
    assert.equal(kinds[0], 'MutatingWebhookConfiguration');
    assert.equal(kinds.at(-1), 'Namespace');
    assert.match(printed.stdout, /name: weft-trust/);
    const refused = weft('uninstall', '--delete');
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /nothing was deleted: pods have a proxy/);
    const deleted = weft('uninstall', '--delete', '--force');
    assert.equal(deleted.status, 0, deleted.stderr);
    // A namespace goes when its controller has emptied it, and there is none here.
    const left = 'apiVersion: v1\nkind: Namespace\nmetadata:\n  name: weft-system\n';
    const untilMs = performance.now() + DEFINITIONS_GONE_SECONDS * 1_000;
    let found = weft('uninstall').stdout;
    while (found !== left && performance.now() < untilMs) {
      await sleep(200);
      found = weft('uninstall').stdout;
    }
    assert.equal(found, left);
  });

  test('a cluster that does not answer is named with the remedy', () => {
    const { status, stderr } = weft('check', '--kubeconfig', '/nonexistent');
    assert.equal(status, 1);
    assert.match(stderr, /^error: the kubeconfig \/nonexistent cannot be read/);
  });
});
