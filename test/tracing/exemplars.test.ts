// From a latency to a trace: a real Prometheus (WEFT_PROMETHEUS) scrapes a proxy that traces, takes its OpenMetrics, and has the
// traces of its buckets.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from '../../src/wire/testing/ports.ts';
import { Chain } from './chain.ts';
import { startKeeper } from './collectors.ts';

const program = process.env.WEFT_PROMETHEUS;
const skip = program ? false : 'there is no Prometheus; name one in WEFT_PROMETHEUS';

interface Answer<T> {
  readonly data: T;
}
type Exemplars = readonly {
  readonly seriesLabels: Readonly<Record<string, string>>;
  readonly exemplars: readonly { readonly labels: { readonly trace_id: string }; readonly value: string }[];
}[];

test('buckets of latency lead to traces', { skip, timeout: 120_000 }, async t => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-exemplars-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const collector = await startKeeper();
  t.after(() => collector.close());
  const chain = await Chain.start('', {
    prices: (_, response) => response.end('7'),
    flags: ['--trace-zipkin', `127.0.0.1:${collector.port}`, '--trace-sampling', '100'],
  });
  t.after(() => chain.close());
  const [port = 0] = await freePorts(1);
  const targets = chain.all.map(({ address, ports }) => `'${address}:${ports.health}'`).join(', ');
  writeFileSync(
    join(folder, 'prometheus.yml'),
    `global: { scrape_interval: 1s }
scrape_configs:
- job_name: proxies
  metrics_path: /stats/prometheus
  static_configs: [{ targets: [${targets}] }]
`,
  );
  const prometheus = spawn(
    program!,
    [
      '--config.file=prometheus.yml',
      '--storage.tsdb.path=data',
      '--enable-feature=exemplar-storage',
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { cwd: folder, stdio: 'ignore' },
  );
  t.after(async () => {
    prometheus.kill('SIGKILL');
    if (prometheus.exitCode === null && prometheus.signalCode === null) await once(prometheus, 'exit');
  });
  const ask = async <T>(path: string): Promise<T | undefined> => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`).catch(() => undefined);
    return answer?.ok ? ((await answer.json()) as Answer<T>).data : undefined;
  };
  const query = encodeURIComponent('istio_request_duration_milliseconds_bucket{reporter="source"}');
  let found: Exemplars = [];
  for (const limit = performance.now() + 60_000; found.length === 0; await sleep(500)) {
    assert.ok(performance.now() < limit, 'no exemplars within a minute');
    await chain.client.call('http://web.shop/prices/7');
    const now = Date.now() / 1000;
    found =
      (await ask<Exemplars>(`/api/v1/query_exemplars?query=${query}&start=${now - 300}&end=${now + 5}`)) ??
      [];
  }
  const traces = new Set((await collector.spans('web.shop')).map(({ traceId }) => traceId));
  const ids = found.flatMap(({ exemplars }) => exemplars.map(({ labels }) => labels.trace_id));
  assert.ok(
    ids.some(id => traces.has(id)),
    `${ids} are traces`,
  );
  // A scrape that is not valid OpenMetrics is thrown away as a whole.
  let up: readonly string[] = [];
  for (const limit = performance.now() + 30_000; up.length < 3; await sleep(500)) {
    assert.ok(performance.now() < limit, 'not all are scraped within 30 s');
    const answer = await ask<{ result: { value: [number, string] }[] }>('/api/v1/query?query=up');
    up = answer?.result.map(({ value }) => value[1]) ?? [];
  }
  assert.deepEqual(up, ['1', '1', '1']);
  const total = await ask<{ result: unknown[] }>('/api/v1/query?query=istio_requests_total');
  assert.ok(total!.result.length > 0, 'counters keep their names');
});
