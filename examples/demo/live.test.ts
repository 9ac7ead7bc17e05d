import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Report } from '../load/tally.ts';
import type { DemoContext } from './claim.ts';
import { live } from './live.ts';
import type { DemoMesh, DemoPod } from './mesh.interface.ts';
import { parsePrometheus } from './metrics/prometheus.ts';
import { Screen } from './screen/screen.ts';

const pod = (name: string, workload: string, ready = true): DemoPod => ({
  name,
  workload,
  namespace: 'shop',
  uid: name,
  app: workload,
  version: 'v1',
  address: '10.0.0.7',
  meshed: true,
  ready,
});

/** The lines of what is drawn once. */
async function drawn(transparent: boolean): Promise<readonly string[]> {
  const stop = new AbortController();
  const written: string[] = [];
  const terminal = {
    isTTY: false,
    columns: 80,
    rows: 40,
    write: (text: string | Uint8Array) => written.push(String(text)) > 0,
  };
  const started: string[] = [];
  const context = {
    mesh: {
      transparent,
      pods: () =>
        Promise.resolve([pod('storefront-1', 'storefront'), pod('storefront-2', 'storefront', false)]),
      dashboard: () => Promise.resolve('http://127.0.0.1:1/dashboard/#token=x'),
      open: (service: string, port: number) => Promise.resolve(`http://${service}.example:${port}`),
    } as unknown as DemoMesh,
    load: {
      start: (name: string) => Promise.resolve(void started.push(name)),
      report: () => {
        stop.abort();
        const latencyMs = { p50: 2.34, p99: 20.1 };
        return Promise.resolve({
          sent: 120,
          lostIdempotent: 1,
          lostOther: 2,
          latencyMs,
        } as unknown as Report);
      },
    },
    scraper: {
      scrape: () => {
        const page = 'istio_requests_total{reporter="destination",response_code="200"} 5';
        return Promise.resolve({ atMs: 0, pods: new Map([['storefront-1', parsePrometheus(page)]]) });
      },
    },
  } as unknown as DemoContext;
  await live(context, new Screen(terminal), stop.signal, 'http://127.0.0.1:9090');
  assert.deepEqual(started, ['steady']);
  return written.join('').split('\n');
}

test('shows what was sent and lost, addresses to open, and a row for every pod', async () => {
  const lines = await drawn(true);
  for (const line of lines) assert.ok(line.length <= 80, line);
  assert.ok(lines.includes('120 requests sent, 3 lost, p50 2.3 ms, p99 20.1 ms at the client'));
  assert.ok(lines.includes('open the shop: http://edge-weft.example:80/products/p1, through its gateway'));
  assert.ok(lines.includes('Prometheus: http://127.0.0.1:9090 (docs/grafana.md)'));
  assert.ok(lines.some(line => line.startsWith('storefront 1/2')));
  assert.ok(lines.some(line => line.startsWith('  storefront-2')));
});

test('without networks of pods the shop is opened at its storefront', async () => {
  const lines = await drawn(false);
  assert.ok(lines.includes('open the shop: http://storefront.example:80/products/p1'));
});
