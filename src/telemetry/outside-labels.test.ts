// What somebody else chooses must not grow the metrics of a proxy without end, or break their text: one row for each label that
// comes from outside, and the kinds behind them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Peer } from '../model/index.ts';
import {
  expositionPieces,
  expositionText,
  type MetricLimits,
  OVERFLOW,
  type PeerLabels,
  PeerNames,
  PeerRequests,
  RequestMetrics,
  RouteMetrics,
  TcpMetrics,
  UNKNOWN_PEER,
} from './index.ts';

const limits: MetricLimits = { maxSeries: 20, maxBytes: 1 << 20, expireMs: 1000 };
const self: Peer = {
  ...UNKNOWN_PEER,
  workload: 'cart-v1',
  namespace: 'shop',
  app: 'cart',
  principal: 'spiffe://td/ns/shop/sa/cart',
};
const peer = (i: number, long = ''): Peer => ({
  ...UNKNOWN_PEER,
  workload: `w${i}${long}`,
  app: `a${i}${long}`,
  version: `v${i}${long}`,
  namespace: 'evil',
  principal: 'spiffe://td/ns/evil/sa/evil',
});
const inbound = (source: Peer): PeerLabels => ({
  reporter: 'destination',
  source,
  destination: self,
  service: { host: 'cart.shop', name: 'cart', namespace: 'shop' },
  protocol: 'http',
  mutualTls: true,
});
const outbound = (destination: Peer, host: string): PeerLabels => ({
  reporter: 'source',
  source: self,
  destination,
  service: { host, name: host, namespace: 'x' },
  protocol: 'http',
  mutualTls: true,
});
const namesOf = (labels: string): string[] => [...labels.matchAll(/([a-z_]+)="/g)].map(match => match[1]!);

const sources: readonly (readonly [what: string, count: (metrics: RequestMetrics, i: number) => void])[] = [
  ['callers’ names', (metrics, i) => void new PeerRequests(metrics, inbound(peer(i))).series(200, '')],
  [
    'callers’ identities',
    (metrics, i) =>
      void new PeerRequests(metrics, inbound({ ...peer(0), principal: `spiffe://td/ns/n/sa/${i}` })).series(
        200,
        '',
      ),
  ],
  [
    'hosts that apps call',
    (metrics, i) => void new PeerRequests(metrics, outbound(self, `h${i}`)).series(200, ''),
  ],
  [
    'versions of rollouts',
    (metrics, i) => void new PeerRequests(metrics, outbound(peer(i), 'a')).series(200, ''),
  ],
  [
    'statuses of an upstream',
    (metrics, i) => void new PeerRequests(metrics, outbound(self, 'a')).series(200 + (i % 800), ''),
  ],
];
for (const [what, count] of sources) {
  test(`${what}: beyond the cap they count under overflow, which has every label`, () => {
    const metrics = new RequestMetrics(limits);
    for (let i = 0; i < 3000; i++) count(metrics, i);
    const all = [...metrics.values()];
    assert.ok(metrics.size <= limits.maxSeries + 16, `${metrics.size} series`);
    const [first] = all;
    const overflow = all.find(series => series.labels.includes('overflow="true"'));
    assert.ok(overflow, 'nothing overflowed');
    assert.deepEqual(namesOf(overflow.labels).toSorted(), [...namesOf(first!.labels), 'overflow'].toSorted());
  });
}

test('overflow says who we are, and nothing of who the others are', () => {
  const metrics = new RequestMetrics({ ...limits, maxSeries: 0 });
  const { labels } = new PeerRequests(metrics, inbound(peer(1))).series(503, 'UH');
  assert.match(labels, /reporter="destination",source_workload="overflow"/);
  assert.match(labels, /destination_workload="cart-v1"/);
  assert.match(labels, /response_code="5xx",response_flags="UH"/);
});

test('long labels are bounded by their bytes: the text of a thousand series is as long as it may be', () => {
  const metrics = new RequestMetrics({ ...limits, maxSeries: 5000 });
  for (let i = 0; i < 1000; i++) {
    const of = inbound({ ...peer(i, 'x'.repeat(60)), principal: `spiffe://td/ns/n/sa/${i}` });
    new PeerRequests(metrics, of).series(200, '').requests++;
  }
  const text = expositionText(out => metrics.render(out));
  assert.ok(text.length < limits.maxBytes * 1.1, `${text.length} bytes`);
  const total = [...text.matchAll(/^istio_requests_total\{.*\} (\d+)$/gm)].reduce(
    (sum, match) => sum + Number(match[1]),
    0,
  );
  assert.equal(total, 1000, 'something was not counted');
});

test('one peer takes half at most: there is room for the others afterwards', () => {
  const metrics = new RequestMetrics({ ...limits, maxSeries: 5000 });
  for (let i = 0; i < 1000; i++) new PeerRequests(metrics, inbound(peer(i))).series(200, '');
  const honest = { ...peer(1), principal: 'spiffe://td/ns/shop/sa/web' };
  const { labels } = new PeerRequests(metrics, inbound(honest)).series(200, '');
  assert.doesNotMatch(labels, /overflow/);
});

test('idle series make room, and who counted as overflow gets a series again, without losing what was counted', () => {
  const metrics = new RequestMetrics({ ...limits, maxSeries: 1 });
  new PeerRequests(metrics, inbound(peer(1))).series(200, '').touchedMs = 1;
  const second = new PeerRequests(metrics, inbound(peer(2)));
  second.series(200, '').requests++;
  assert.match(second.series(200, '').labels, /overflow/);
  metrics.expire(2000);
  second.series(200, '').requests++;
  assert.doesNotMatch(second.series(200, '').labels, /overflow/);
  const text = expositionText(out => metrics.render(out));
  assert.match(text, /^istio_requests_total\{.*overflow="true".*\} 1$/m);
  assert.match(text, /^istio_requests_total\{.*source_workload="w2".*\} 1$/m);
});

test('TCP: the same cap, the same labels, and idle series expire', () => {
  const metrics = new TcpMetrics(limits);
  for (let i = 0; i < 3000; i++) {
    const series = metrics.series({ ...inbound(peer(i)), protocol: 'tcp' }, '');
    series.opened++;
    series.closed++;
  }
  const all = [...metrics.values()];
  assert.equal(all.length, limits.maxSeries + 1);
  assert.deepEqual(
    namesOf(all.at(-1)!.labels).toSorted(),
    [...namesOf(all[0]!.labels), 'overflow'].toSorted(),
  );
  metrics.expire(2000);
  assert.equal([...metrics.values()].length, 1);
});

test('route names: capped, overflow has every label, and routes that are gone expire', () => {
  const metrics = new RouteMetrics(limits);
  const held = metrics.open('host', 'route');
  for (let i = 0; i < 3000; i++) metrics.open(`host${i}`, `route "${i}"\n`).tries++;
  const text = expositionText(out => metrics.render(out));
  assert.match(text, /^weft_route_tries_total\{dst="overflow",rt_route="overflow",overflow="true"\} 2981$/m);
  for (const nowMs of [1, 5000]) metrics.expire(nowMs);
  assert.equal(held.expired, true);
  assert.doesNotMatch(
    expositionText(out => metrics.render(out)),
    /host/,
  );
});

const odd: readonly (readonly [said: Partial<Peer>, workload: string, app: string, version: string])[] = [
  [{ workload: 'reviews-v1', app: 'reviews', version: 'v1.2_3' }, 'reviews-v1', 'reviews', 'v1.2_3'],
  [{ workload: 'a"} 1\nevil{x="', app: 'a\\', version: 'v\0' }, '', '', ''],
  [{ workload: 'UPPER', app: '-a', version: 'a-' }, '', '', ''],
  [{ workload: 'ünïcode', app: 'a b', version: '☃' }, '', '', ''],
  [
    { workload: `w${'x'.repeat(250)}`, app: 'y'.repeat(64), version: 'z'.repeat(63) },
    `w${'x'.repeat(62)}`,
    '',
    'z'.repeat(63),
  ],
  [{ workload: 'x'.repeat(254) }, '', '', ''],
];
test('what a caller calls itself is a name that Kubernetes has, or nothing', () => {
  const peers = new PeerNames();
  for (const [said, workload, app, version] of odd) {
    const admitted = peers.admit({ ...UNKNOWN_PEER, principal: 'p', namespace: 'n', ...said }, 0);
    assert.deepEqual([admitted.workload, admitted.app, admitted.version], [workload, app, version]);
    assert.deepEqual([admitted.principal, admitted.namespace], ['p', 'n']);
  }
});

test('an identity has so many workloads, a proxy so many identities; those that are known stay told apart', () => {
  const peers = new PeerNames({ perPrincipal: 3, principals: 2, expireMs: 1000 });
  const first = peers.admit(peer(0), 0);
  for (let i = 0; i < 100; i++) peers.admit(peer(i), 0);
  const beyond = peers.admit(peer(99), 0);
  assert.deepEqual([beyond.workload, beyond.principal], [OVERFLOW, 'spiffe://td/ns/evil/sa/evil']);
  assert.equal(peers.admit(peer(0), 900), first, 'not the same object');
  assert.equal(peers.admit({ ...peer(7), principal: 'second' }, 0).workload, 'w7');
  assert.equal(peers.admit({ ...peer(7), principal: 'third' }, 0).principal, OVERFLOW);
  assert.equal(peers.overflows, 98 + 1);
  peers.expire(1500);
  assert.equal(peers.admit(peer(50), 1500).workload, 'w50');
  assert.equal(peers.admit({ ...peer(7), principal: 'third' }, 1500).workload, 'w7');
});

test('an exposition comes in pieces of whole lines, and beyond its bound leaves whole series out and says so', () => {
  const metrics = new RequestMetrics({ ...limits, maxSeries: 300, maxBytes: 100 << 20 });
  for (let i = 0; i < 300; i++) new PeerRequests(metrics, outbound(self, `h${i}`)).series(200, '');
  const pieces = [...expositionPieces(out => metrics.render(out))];
  assert.ok(pieces.length > 50, `${pieces.length} pieces`);
  for (const piece of pieces) {
    assert.ok(piece.length < 256 << 10, `a piece of ${piece.length} bytes`);
    assert.ok(piece.endsWith('\n'));
  }
  const bounded = [...expositionPieces(out => metrics.render(out), 1 << 20)].join('');
  assert.ok(bounded.length < (1 << 20) + 300, `${bounded.length} bytes`);
  const left = /^weft_metrics_left_out (\d+)$/m.exec(bounded)?.[1];
  assert.ok(Number(left) > 100, `${left} left out`);
  const begun = bounded.split('le="0.5"').length;
  assert.equal(bounded.split('le="+Inf"').length, begun, 'half a histogram');
});
