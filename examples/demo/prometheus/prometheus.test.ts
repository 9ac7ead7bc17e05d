import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { prometheusBeside } from './beside.ts';
import { SandboxTargets, type ScrapedMesh } from './sandbox-targets.ts';
import { findPrometheus } from './server.ts';

function program(t: TestContext, script: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'weft-prometheus-test-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'prometheus');
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
  return file;
}

/** A mesh with one pod, whose every port is this one. */
function meshOf(port: number): ScrapedMesh {
  const annotations = { 'prometheus.io/scrape': 'true', 'prometheus.io/port': '15020' };
  return {
    podObjects: () =>
      Promise.resolve([
        {
          metadata: { name: 'cart-1', namespace: 'shop', annotations },
          status: { podIP: '10.244.0.9', phase: 'Running' },
        },
        { metadata: { name: 'new', namespace: 'shop' }, status: { phase: 'Pending' } },
      ]),
    dialPod: () => Promise.resolve(connect(port, '127.0.0.1')),
  };
}

test('the program is the one that is named, or the one on the PATH; a name that is none is said', t => {
  const file = program(t, 'true');
  assert.equal(findPrometheus({ WEFT_PROMETHEUS: file }), file);
  assert.equal(findPrometheus({ PATH: `/nowhere:${join(file, '..')}` }), file);
  assert.equal(findPrometheus({ PATH: '/nowhere' }), undefined);
  assert.throws(
    () => findPrometheus({ WEFT_PROMETHEUS: '/nowhere/prometheus' }),
    /WEFT_PROMETHEUS=.* is no program/,
  );
});

test('pods are named as in a cluster, and scraped through here by their own addresses', async t => {
  const asked: string[] = [];
  const app = createServer(({ url = '' }, answer) => {
    asked.push(url);
    answer.setHeader('content-type', 'text/plain; version=0.0.4').end('up 1\n');
  });
  await new Promise<void>(resolve => app.listen(0, '127.0.0.1', resolve));
  const targets = await SandboxTargets.start(meshOf((app.address() as AddressInfo).port));
  t.after(() => {
    targets.stop();
    app.close();
  });
  const [job] = targets.jobs as [
    { http_sd_configs: { url: string }[]; proxy_url: string; relabel_configs: object[] },
  ];
  assert.ok(job.relabel_configs.length > 3, 'what a cluster is scraped by');
  assert.ok(!('kubernetes_sd_configs' in job));
  const found = (await (await fetch(job.http_sd_configs[0]!.url)).json()) as {
    targets: string[];
    labels: Record<string, string>;
  }[];
  assert.equal(found.length, 1, 'a pod without an address is none');
  assert.deepEqual(found[0]!.targets, ['10.244.0.9']);
  assert.equal(found[0]!.labels.__meta_kubernetes_pod_annotation_prometheus_io_port, '15020');
  assert.equal(found[0]!.labels.__meta_kubernetes_pod_name, 'cart-1');
  const through = (url: string): Promise<[number | undefined, string]> =>
    new Promise((resolve, reject) => {
      const { port } = new URL(job.proxy_url);
      request({ port, path: url }, response => {
        let text = '';
        response.on('data', chunk => (text += String(chunk)));
        response.on('end', () => resolve([response.statusCode, text]));
      })
        .on('error', reject)
        .end();
    });
  assert.deepEqual(await through('http://10.244.0.9:15020/stats/prometheus'), [200, 'up 1\n']);
  assert.deepEqual(asked, ['/stats/prometheus']);
  const [status, words] = await through('http://10.244.0.10:15020/metrics');
  assert.equal(status, 502);
  assert.match(words, /no pod has the address/);
});

test('a Prometheus that does not start is told of, with its last words, and nobody waits for it', async t => {
  const before = process.env.WEFT_PROMETHEUS;
  process.env.WEFT_PROMETHEUS = program(t, 'echo out of cheese; exit 1');
  t.after(() => {
    if (before === undefined) delete process.env.WEFT_PROMETHEUS;
    else process.env.WEFT_PROMETHEUS = before;
  });
  const told: string[] = [];
  assert.equal(await prometheusBeside(meshOf(1), why => told.push(why)), undefined);
  assert.match(told.join(), /without Prometheus: .*out of cheese/s);
});
