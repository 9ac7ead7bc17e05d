import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Peer } from '../../model/index.ts';
import {
  type PeerLabels,
  PeerRequests,
  RequestMetrics,
  TcpMetrics,
  UNKNOWN_PEER,
} from '../../telemetry/index.ts';
import { FakeClock } from '../../time/index.ts';
import { FIGURES_EVERY_MS, type FiguresItem, figuresAnswerer } from './index.ts';

const cart: Peer = {
  ...UNKNOWN_PEER,
  workload: 'cart',
  namespace: 'shop',
  app: 'cart',
  version: 'v1',
  principal: 'spiffe://td/cart',
};
const stock: Peer = {
  ...cart,
  workload: 'stock',
  app: 'stock',
  version: 'v2',
  principal: 'spiffe://td/stock',
};
const calls = (more: Partial<PeerLabels> = {}): PeerLabels => ({
  reporter: 'source',
  source: cart,
  destination: stock,
  service: { host: 'stock.shop.svc.cluster.local', name: 'stock', namespace: 'shop' },
  protocol: 'http',
  mutualTls: true,
  ...more,
});

function setUp() {
  const clock = new FakeClock();
  const requests = new RequestMetrics();
  const tcp = new TcpMetrics();
  const cluster = { retries: 0, size: 3, healthy: 2, occupancy: { waiting: 1 } };
  const said: FiguresItem[] = [];
  let done = 0;
  const answerer = figuresAnswerer(() => ({ series: { requests, tcp }, clusters: [cluster] }), clock);
  const begin = (): (() => void) =>
    answerer(
      { kind: 'figures' },
      { say: item => said.push(item as FiguresItem) > 0, done: () => done++, skip() {}, share: 1 },
    )!;
  const count = (labels: PeerLabels, status: number, flag: '' | 'UF' = '', ms = 3): void => {
    const series = new PeerRequests(requests, labels).series(status, flag);
    series.requests++;
    series.durationMs.observe(ms);
    series.responseBytes.observe(100);
  };
  const turn = async () => {
    said.length = 0;
    await clock.advance(FIGURES_EVERY_MS);
    const edges = said.flatMap(each => ('edge' in each ? each.edge : []));
    const proxies = said.flatMap(each => ('proxy' in each ? each.proxy : []));
    return { edges, proxies };
  };
  return { clock, tcp, cluster, begin, count, turn, ended: () => done };
}

test('says what has grown since it was asked, by edge, and then what has grown since', async () => {
  const { begin, count, turn } = setUp();
  count(calls(), 200);
  begin();
  count(calls(), 200);
  count(calls(), 200, '', 40);
  count(calls(), 503, 'UF', 40);
  const { edges } = await turn();
  assert.deepEqual(edges, [
    {
      reporter: 'source',
      peer: 'shop/stock',
      version: 'v2',
      service: 'shop/stock',
      protocol: 'http',
      mtls: true,
      requests: 3,
      failed: 1,
      received: 300,
      buckets: [
        [2, 1],
        [5, 2],
      ],
      flags: { UF: 1 },
    },
  ]);
  assert.deepEqual((await turn()).edges, []);
  count(calls(), 200);
  assert.equal((await turn()).edges[0]!.requests, 1);
});

test('a request without an answer has failed, and who is not known has no name', async () => {
  const { begin, count, turn } = setUp();
  begin();
  count(calls({ destination: UNKNOWN_PEER, mutualTls: false }), 0, 'UF');
  count(calls({ reporter: 'destination', source: UNKNOWN_PEER, destination: cart, mutualTls: false }), 404);
  const { edges } = await turn();
  assert.deepEqual(
    edges.map(({ reporter, peer, failed = 0, mtls }) => [reporter, peer, failed, mtls]),
    [
      ['source', '', 1, false],
      ['destination', '', 0, false],
    ],
  );
});

test('connections are told as long as they are open, bytes by direction', async () => {
  const { begin, tcp, turn } = setUp();
  begin();
  const series = tcp.series(calls({ protocol: 'tcp' }), '');
  series.opened = 2;
  series.receivedBytes = 10;
  series.sentBytes = 500;
  const first = (await turn()).edges[0]!;
  assert.deepEqual([first.opened, first.open, first.sent, first.received], [2, 2, 10, 500]);
  const second = (await turn()).edges[0]!;
  assert.deepEqual([second.opened, second.open, second.sent], [undefined, 2, undefined]);
  series.closed = 2;
  assert.deepEqual((await turn()).edges, []);
});

test('says how full the proxy is, and nothing any more when the asker has gone', async () => {
  const { begin, cluster, turn } = setUp();
  cluster.retries = 7;
  const stop = begin();
  cluster.retries = 9;
  const [proxy] = (await turn()).proxies;
  assert.deepEqual([proxy!.retries, proxy!.ejected, proxy!.waiting], [2, 1, 1]);
  assert.ok(proxy!.memoryBytes > 1e6);
  // A cluster that is gone has taken its retries with it.
  cluster.retries = 0;
  assert.equal((await turn()).proxies[0]!.retries, 0);
  stop();
  assert.deepEqual((await turn()).proxies, []);
});
