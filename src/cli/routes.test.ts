import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MeshPod, Sample } from './proxies/index.ts';
import { type RouteTable, routesOf } from './routes/routes.ts';
import { routesText } from './routes/text.ts';
import type { Scrape } from './stat/scrape.ts';

const pods: readonly MeshPod[] = ['web-0', 'web-1'].map(name => ({
  ...{ namespace: 'shop', name, labels: {}, phase: 'Running', proxyVersion: '1' },
}));

interface Counted {
  readonly success: number;
  readonly failure: number;
  readonly tries: number;
  /** Cumulative, at 5, 10 and +Inf ms. */
  readonly buckets: readonly [number, number, number];
}

function samples(
  host: string,
  route: string,
  { success, failure, tries, buckets }: Counted,
): readonly Sample[] {
  const labels = { dst: host, rt_route: route };
  return [
    { name: 'weft_route_requests_total', labels: { ...labels, classification: 'success' }, value: success },
    { name: 'weft_route_requests_total', labels: { ...labels, classification: 'failure' }, value: failure },
    { name: 'weft_route_tries_total', labels, value: tries },
    ...['5', '10', '+Inf'].map((le, at) => ({
      ...{ name: 'weft_route_duration_milliseconds_bucket', labels: { ...labels, le }, value: buckets[at]! },
    })),
    { name: 'istio_requests_total', labels: { reporter: 'source' }, value: 9 },
  ];
}

const zero: Counted = { success: 0, failure: 0, tries: 0, buckets: [0, 0, 0] };
const cart = 'cart.shop.svc.cluster.local';

/** Two proxies that counted the same, and one route that nobody called. */
function table(service?: string): RouteTable {
  const scrape = (atMs: number, counted: Counted): Scrape => ({
    atMs,
    samples: [
      ...samples(cart, 'GET /items', counted),
      ...samples('stock.shop.svc.cluster.local', 'idle', zero),
    ],
  });
  const all = (atMs: number, counted: Counted): ReadonlyMap<string, Scrape> =>
    new Map(pods.map(({ namespace, name }) => [`${namespace}/${name}`, scrape(atMs, counted)]));
  const after = { success: 90, failure: 10, tries: 150, buckets: [50, 90, 100] } as const;
  return routesOf(service, pods, all(0, zero), all(10_000, after));
}

test('routes add up their callers: effective is what these saw, actual what was sent', () => {
  assert.deepEqual(table().rows, [
    {
      ...{ route: 'GET /items', service: cart, proxies: 2, requestsPerSecond: 20, successRate: 0.9 },
      ...{ triesPerSecond: 30, triesSuccessRate: 0.6, p50Ms: 5, p95Ms: 10, p99Ms: 10 },
    },
    {
      ...{ route: 'idle', service: 'stock.shop.svc.cluster.local', proxies: 2 },
      ...{ requestsPerSecond: 0, triesPerSecond: 0 },
    },
  ]);
});

test('the table has a row each, wide with tries beside requests', () => {
  assert.equal(
    routesText(table('cart'), false, { colours: false }),
    [
      'ROUTE       SERVICE                      SUCCESS  RPS   P50    P95   P99',
      'GET /items  cart.shop.svc.cluster.local  90.00%   20.0  5.0ms  10ms  10ms',
    ].join('\n'),
  );
  assert.equal(
    routesText(table('shop/stock'), true, { colours: false }),
    [
      'ROUTE  SERVICE                       EFFECTIVE SUCCESS  EFFECTIVE RPS  ACTUAL SUCCESS  ACTUAL RPS  P50  P95  P99',
      'idle   stock.shop.svc.cluster.local  -                  0.0            -               0.0         -    -    -',
    ].join('\n'),
  );
});

test('a Service is meant by its name, with its namespace in either way, or by its host, and by no beginning of a name', () => {
  for (const service of ['cart', 'cart.shop', 'shop/cart', cart])
    assert.deepEqual(
      table(service).rows.map(({ route }) => route),
      ['GET /items'],
      service,
    );
  for (const service of ['car', 'cart.other', 'other/cart', 'shop'])
    assert.deepEqual(table(service).rows, [], service);
});

test('without a route of a name of its own it is said where these come from; a pod without figures is named', () => {
  assert.match(
    routesText({ rows: [], troubles: [] }, false, { colours: false }),
    /routes of ServiceProfiles/,
  );
  const { rows, troubles } = routesOf(
    undefined,
    pods,
    new Map(),
    new Map([['shop/web-0', { trouble: 'refused' }]]),
  );
  assert.deepEqual(rows, []);
  assert.match(routesText({ rows, troubles }, false, { colours: false }), /! shop\/web-0: /);
});
