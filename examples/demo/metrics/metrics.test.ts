import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DemoPod } from '../mesh.interface.ts';
import { Growth, gauge, quantile, type Scrape } from './growth.ts';
import { parsePrometheus } from './prometheus.ts';
import { rowsOf, totalOf } from './rows.ts';

const page = `# HELP istio_requests_total Requests.
# TYPE istio_requests_total counter
istio_requests_total{reporter="destination",response_code="200",connection_security_policy="mutual_tls"} 90
istio_requests_total{reporter="destination",response_code="503",connection_security_policy="none"} 8 1700000000000
istio_requests_total{reporter="destination",response_code="0",connection_security_policy="none"} 2
istio_requests_total{reporter="source",response_code="200",connection_security_policy="unknown"} 5
istio_request_duration_milliseconds_bucket{reporter="destination",le="1"} 50
istio_request_duration_milliseconds_bucket{reporter="destination",le="10"} 90
istio_request_duration_milliseconds_bucket{reporter="destination",le="+Inf"} 100
weft_retries_total{destination_service="ratings.shop.svc.cluster.local"} 3
weft_ejections_total 2
weft_cluster_ejected 1
`;

const pod = (name: string, workload: string, more: Partial<DemoPod> = {}): DemoPod => ({
  name,
  namespace: 'shop',
  uid: name,
  workload,
  app: workload,
  version: 'v1',
  address: '10.0.0.1',
  meshed: true,
  ready: true,
  ...more,
});
const scrape = (atMs: number, pods: Record<string, string>): Scrape => ({
  atMs,
  pods: new Map(Object.entries(pods).map(([name, text]) => [name, parsePrometheus(text)])),
});

test('reads names, labels with escapes, timestamps and special values; skips what is no sample', () => {
  assert.deepEqual(
    parsePrometheus('a{b="x\\"y\\\\z\\n,}",c=""} 1.5e3 123\n\n# comment\nup 1\r\nnonsense here or\nx{b=} 1'),
    [
      { name: 'a', labels: { b: 'x"y\\z\n,}', c: '' }, value: 1500 },
      { name: 'up', labels: {}, value: 1 },
    ],
  );
  assert.equal(parsePrometheus('a +Inf')[0]!.value, Number.POSITIVE_INFINITY);
  assert.ok(Number.isNaN(parsePrometheus('a NaN')[0]!.value));
});

test('growth is the difference of two scrapes; new pods and restarted counters count from zero', () => {
  const before = scrape(1000, { a: 'n{x="1"} 10\nn{x="2"} 7' });
  const growth = new Growth(before, scrape(3000, { a: 'n{x="1"} 15\nn{x="2"} 2', b: 'n{x="1"} 4' }));
  assert.equal(growth.seconds, 2);
  assert.equal(growth.sum('n'), 5 + 2 + 4);
  assert.equal(growth.sum('n', { x: '1' }), 9);
  assert.equal(growth.sum('n', { x: value => value !== '1' }), 2);
  assert.equal(growth.sum('n', {}, 'b'), 4);
  assert.equal(growth.sum('n', { absent: '' }, 'b'), 4);
  assert.equal(gauge(before, 'n'), 17);
});

test('quantiles are linear inside a bucket, add up series, and end at the last finite bound', () => {
  const buckets = parsePrometheus(
    'h{le="1"} 10\nh{le="2"} 20\nh{le="+Inf"} 20\nh{le="1"} 0\nh{le="2"} 20\nh{le="+Inf"} 20',
  );
  assert.equal(quantile(buckets, 0.25), 1);
  assert.equal(quantile(buckets, 0.625), 1.5);
  assert.equal(quantile(parsePrometheus('h{le="1"} 0\nh{le="5"} 0\nh{le="+Inf"} 3'), 0.5), 5);
  assert.equal(quantile(parsePrometheus('h{le="1"} 0\nh{le="+Inf"} 0'), 0.5), undefined);
  assert.equal(quantile([], 0.5), undefined);
});

test('a workload row adds up what its pods received, and pods follow it by name', () => {
  const latest = scrape(2000, { 'a-2': page, 'a-1': page });
  const rows = rowsOf(
    [pod('a-2', 'a'), pod('a-1', 'a', { ready: false }), pod('out', 'visitor', { meshed: false })],
    new Growth(scrape(1000, {}), latest),
    latest,
  );
  assert.deepEqual(
    rows.map(row => [row.kind, row.name]),
    [
      ['workload', 'a'],
      ['pod', 'a-1'],
      ['pod', 'a-2'],
    ],
  );
  assert.deepEqual(rows[0], {
    kind: 'workload',
    name: 'a',
    ready: [1, 2],
    perSecond: 200,
    unit: 'requests',
    success: 0.9,
    p50: 1,
    p95: 10,
    p99: 10,
    mtls: 0.9,
    retries: 6,
    ejectedNow: 2,
    ejections: 4,
  });
  assert.equal(rows[1]!.perSecond, 100);
});

test('a pod that only sends shows what it sends, a TCP one its connections', () => {
  const sender =
    'istio_requests_total{reporter="source",response_code="200",connection_security_policy="mutual_tls"} 8';
  const tcp =
    'istio_tcp_connections_opened_total{reporter="destination",connection_security_policy="mutual_tls"} 4';
  const latest = scrape(2000, { load: sender, stock: tcp });
  const rows = rowsOf(
    [pod('load', 'load'), pod('stock', 'stock')],
    new Growth(scrape(0, {}), latest),
    latest,
  );
  assert.deepEqual(
    rows.filter(row => row.kind === 'pod').map(row => [row.perSecond, row.unit, row.success, row.mtls]),
    [
      [4, 'requests', 1, 1],
      [2, 'connections', undefined, 1],
    ],
  );
});

test('a pod that was never scraped has a row without figures', () => {
  const empty = scrape(0, {});
  const row = totalOf([pod('a', 'a')], new Growth(undefined, empty), empty);
  assert.deepEqual(
    [row.perSecond, row.success, row.p50, row.mtls, row.retries],
    [0, undefined, undefined, undefined, 0],
  );
});
