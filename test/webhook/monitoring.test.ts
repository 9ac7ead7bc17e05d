// `weft install --monitoring` and --dashboards, and their upgrade, against a real API server with the definitions of Prometheus'
// operator: what they do not know is refused (strict field validation), what changed is seen, labels of one's own stay.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse, parseAllDocuments } from 'yaml';
import { type ApiServer, noApiServer, startApiServer } from './api-server.ts';

const main = new URL('../../src/main/weft.ts', import.meta.url).pathname;
/** The folder example/prometheus-operator-crd of the operator's sources. */
const definitions = process.env.WEFT_PROMETHEUS_CRDS ?? '';
const file = (plural: string): string => join(definitions, `monitoring.coreos.com_${plural}.yaml`);
const plurals = ['podmonitors', 'servicemonitors', 'prometheusrules'] as const;
const none =
  noApiServer ||
  (!existsSync(file('podmonitors')) &&
    "needs WEFT_PROMETHEUS_CRDS, a folder with the definitions of Prometheus' operator");

describe("monitors and dashboards in a cluster with Prometheus' operator", { skip: none }, () => {
  let api: ApiServer;

  before(async () => {
    api = await startApiServer();
    for (const plural of plurals) {
      const answer = await api.create(parse(readFileSync(file(plural), 'utf8')) as object);
      assert.ok(answer.status < 300, JSON.stringify(answer.body).slice(0, 500));
    }
    for (const plural of plurals) {
      const path = `/apis/monitoring.coreos.com/v1/${plural}`;
      while ((await api.request({ method: 'GET', path })).status !== 200) await sleep(100);
    }
  });
  after(() => api?.stop());

  function weft(...args: string[]): string {
    const env = { ...process.env, KUBECONFIG: api.kubeconfig };
    const { stdout, stderr, status } = spawnSync(process.execPath, [main, ...args], {
      encoding: 'utf8',
      env,
    });
    assert.equal(status, 0, stderr);
    return stdout;
  }

  async function apply(text: string): Promise<number> {
    let count = 0;
    for (const document of parseAllDocuments(text)) {
      const answer = await api.create(document.toJS() as object, { fieldValidation: 'Strict' });
      assert.ok(answer.status < 300, JSON.stringify(answer.body));
      count++;
    }
    return count;
  }

  test('the operator takes what is printed, each field of it', async () => {
    await apply(weft('install'));
    assert.equal(await apply(weft('install', '--monitoring', '--monitoring-labels', 'release=kube')), 3);
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'monitoring' } };
    assert.ok((await api.create(namespace)).status < 300);
    assert.ok((await apply(weft('install', '--dashboards', '-n', 'monitoring'))) >= 7);
  });

  test('an upgrade sees no difference, and none of them is taken for a stranger', () => {
    assert.match(weft('upgrade', '--dry-run'), /nothing would change/);
  });

  test('what an older version had in them is seen and printed anew, with the labels that they were given', async () => {
    const path = '/apis/monitoring.coreos.com/v1/namespaces/weft-system/podmonitors/weft-proxies';
    const body = { spec: { podMetricsEndpoints: [{ path: '/old' }] } };
    await api.request({ method: 'PATCH', path, body, contentType: 'application/merge-patch+json' });
    const difference = weft('upgrade', '--dry-run');
    assert.match(difference, /^PodMonitor weft-system\/weft-proxies would change$/m);
    assert.match(difference, /-.*\/old/);
    const printed = parseAllDocuments(weft('upgrade')).map(
      document => document.toJS() as { kind: string; metadata: { labels: Record<string, string> } },
    );
    const monitor = printed.find(({ kind }) => kind === 'PodMonitor');
    assert.equal(monitor?.metadata.labels.release, 'kube');
    assert.ok(printed.filter(({ kind }) => kind === 'ConfigMap').length >= 7);
  });
});
