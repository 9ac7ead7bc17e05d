// What Kiali, Istio's dashboards and canary controllers insist on, of every series that a proxy can make: who is known, who is
// not, hosts outside, and what there was no room for. Lists are Kiali's own (graph/telemetry/istio): a series that lacks one of
// them is dropped.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Peer } from '../model/index.ts';
import { ControlPlaneMetrics } from './control-plane-metrics.ts';
import {
  BUCKETS,
  expositionText,
  type MetricLimits,
  type PeerLabels,
  PeerRequests,
  RequestMetrics,
  TcpMetrics,
  UNKNOWN_PEER,
} from './index.ts';

const peer = (name: string): Peer => ({
  workload: `${name}-v1`,
  namespace: 'shop',
  app: name,
  version: 'v1',
  principal: `spiffe://cluster.local/ns/shop/sa/${name}`,
  pod: `${name}-1`,
});
const service = { host: 'cart.shop.svc.cluster.local', name: 'cart', namespace: 'shop' };
const base = { source: peer('web'), destination: peer('cart'), service, protocol: 'http' } as const;
const outside = { host: 'PassthroughCluster', name: 'PassthroughCluster', namespace: '' };

/** Every kind of pair of peers. */
const pairs: Readonly<Record<string, PeerLabels>> = {
  'a caller of the mesh, at its own proxy': { ...base, reporter: 'source', mutualTls: true },
  'a caller of the mesh, at the callee’s': { ...base, reporter: 'destination', mutualTls: true },
  'a caller without a proxy': {
    ...base,
    source: UNKNOWN_PEER,
    reporter: 'destination',
    mutualTls: false,
  },
  'a callee without a proxy': { ...base, reporter: 'source', mutualTls: false },
  'a host outside': {
    ...base,
    destination: UNKNOWN_PEER,
    service: outside,
    reporter: 'source',
    mutualTls: false,
  },
  'nobody is known': {
    ...base,
    destination: UNKNOWN_PEER,
    service: { host: '', name: '', namespace: '' },
    reporter: 'source',
    mutualTls: false,
  },
};

const required = [
  'source_workload_namespace',
  'source_workload',
  'source_canonical_service',
  'source_canonical_revision',
  'source_cluster',
  'destination_service_namespace',
  'destination_service',
  'destination_service_name',
  'destination_workload_namespace',
  'destination_workload',
  'destination_canonical_service',
  'destination_canonical_revision',
  'destination_cluster',
  'request_protocol',
  'response_flags',
  'reporter',
  'source_principal',
  'destination_principal',
  'connection_security_policy',
];

type Labels = Readonly<Record<string, string>>;
const labelsOf = (line: string): Labels =>
  Object.fromEntries([...line.matchAll(/([a-z_]+)="([^"]*)"/g)].map(match => [match[1]!, match[2]!]));
const samplesOf = (text: string): string[] => text.split('\n').filter(line => /^istio_\w+\{/.test(line));

/** Kiali drops telemetry that contradicts itself: `isBadSourceTelemetry`, `isBadDestTelemetry`. */
function isBad(labels: Labels): boolean {
  const known = (label: string): boolean => labels[label] !== 'unknown';
  if (known('source_workload_namespace') && !known('source_cluster')) return true;
  if (known('destination_service_namespace') && !known('destination_cluster')) return true;
  return /^\d+\.\d+\.\d+\.\d+$/.test(labels.destination_service ?? '');
}

function keeps(labels: Labels): void {
  for (const name of required) assert.notEqual(labels[name] ?? '', '', name);
  assert.equal(isBad(labels), false);
  assert.match(labels.connection_security_policy!, /^(mutual_tls|none|unknown)$/);
}

const roomy: MetricLimits = { maxSeries: 100, maxBytes: 1 << 20, expireMs: 1000 };
for (const [room, limits] of Object.entries({ '': roomy, ', without room': { ...roomy, maxSeries: 0 } })) {
  for (const [what, labels] of Object.entries(pairs)) {
    test(`${what}${room}: requests have every label that Kiali wants, the same on counter and histograms`, () => {
      const metrics = new RequestMetrics(limits);
      for (const status of [200, 503, 0]) {
        const series = new PeerRequests(metrics, labels).series(status, status === 200 ? '' : 'UF');
        series.requests++;
        for (const each of [series.durationMs, series.requestBytes, series.responseBytes]) each.observe(1);
      }
      const samples = samplesOf(expositionText(out => metrics.render(out))).map(labelsOf);
      assert.ok(samples.length > 3 * 3 * BUCKETS.length);
      for (const sample of samples) {
        keeps(sample);
        assert.match(sample.response_code!, /^(200|503|0|[25]xx)$/);
      }
    });

    test(`${what}${room}: TCP connections have every label that Kiali wants`, () => {
      const metrics = new TcpMetrics(limits);
      metrics.series({ ...labels, protocol: 'tcp' }, '').opened++;
      const samples = samplesOf(expositionText(out => metrics.render(out)));
      assert.equal(samples.length, 4);
      for (const sample of samples.map(labelsOf)) keeps(sample);
    });
  }
}

test('mutual TLS is told at both ends, plaintext at the end that knows: none, and unknown at the source as Istio says it', () => {
  const policy = (labels: PeerLabels): string | undefined => {
    const metrics = new RequestMetrics(roomy);
    return labelsOf(new PeerRequests(metrics, labels).series(200, '').labels).connection_security_policy;
  };
  assert.deepEqual(Object.values(pairs).map(policy), [
    'mutual_tls',
    'mutual_tls',
    'none',
    'unknown',
    'unknown',
    'unknown',
  ]);
});

test('buckets are Istio’s, in number and as they are written', () => {
  const metrics = new RequestMetrics(roomy);
  new PeerRequests(metrics, pairs['a caller of the mesh, at its own proxy']!).series(200, '');
  const text = expositionText(out => metrics.render(out));
  const bounds = [...text.matchAll(/^istio_request_duration_milliseconds_bucket\{.*le="([^"]+)"\}/gm)];
  // Envoy's defaults, which Istio's telemetry keeps: envoy/source/common/stats/histogram_impl.cc.
  const istio =
    '0.5 1 5 10 25 50 100 250 500 1000 2500 5000 10000 30000 60000 300000 600000 1800000 3600000 +Inf';
  assert.equal(bounds.map(match => match[1]).join(' '), istio);
});

test('hundreds of rollouts: what nobody calls any more goes within the hour, whatever the version', () => {
  const metrics = new RequestMetrics({ ...roomy, maxSeries: 5000, maxBytes: 32 << 20 });
  const tcp = new TcpMetrics({ ...roomy, maxSeries: 5000 });
  for (let rollout = 1; rollout <= 500; rollout++) {
    const nowMs = rollout * 100;
    const labels: PeerLabels = {
      ...base,
      destination: { ...peer('cart'), workload: `cart-v${rollout}`, version: `v${rollout}` },
      reporter: 'source',
      mutualTls: true,
    };
    new PeerRequests(metrics, labels).series(200, '').touchedMs = nowMs;
    const series = tcp.series(labels, '');
    series.touchedMs = nowMs;
    series.opened = series.closed = 1;
    metrics.expire(nowMs);
    tcp.expire(nowMs);
  }
  assert.equal(metrics.size, 11, 'those of the last ten rollouts and this one');
  assert.equal([...tcp.values()].length, 11);
});

test('the control plane says which version of which component it is, as Istio’s dashboards ask', async () => {
  const metrics = new ControlPlaneMetrics({
    version: '1.2.3',
    problems: () => ({ error: 0, warning: 0 }),
    objects: () => ({}),
    expiries: () => [],
  });
  const { body } = await metrics.render();
  assert.match(body, /^istio_build\{component="pilot",tag="weft-1\.2\.3"\} 1$/m);
});
