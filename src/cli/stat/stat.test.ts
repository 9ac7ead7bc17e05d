import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WeftError } from '../../errors/index.ts';
import { FakeClock } from '../../time/index.ts';
import type { Mesh, MeshPod } from '../proxies/index.ts';
import { readEnd } from './ends.ts';
import { keyOf, type Scrapes, scrapeAll } from './scrape.ts';
import { statText } from './text.ts';
import { type StatKind, type Traffic, type TrafficEnds, type TrafficTable, trafficOf } from './traffic.ts';

const pod = (name: string): MeshPod => ({
  ...{ namespace: 'shop', name, labels: {}, phase: 'Running', proxyVersion: '1' },
});

interface Counted {
  readonly ok?: number;
  readonly failed?: number;
  /** Of requests, by mutual TLS or in plaintext. */
  readonly secured?: boolean;
  readonly reporter?: string;
  readonly service?: string;
  readonly from?: string;
  readonly to?: string;
  /** Cumulative, at 5, 10 and +Inf ms. */
  readonly buckets?: readonly [number, number, number];
  readonly opened?: number;
  readonly closed?: number;
}

/** The exposition of a proxy of `workload`. */
function exposition(workload: string, counted: readonly Counted[]): string {
  const lines = [
    'weft_build_info{version="1",node="24"} 1',
    `weft_workload_info{workload="${workload}",app=""} 1`,
  ];
  for (const { reporter = 'destination', service = 'cart', secured = true, ...of } of counted) {
    const { from = 'web', to = workload } = of;
    const policy = secured ? 'mutual_tls' : 'none';
    const labels = `reporter="${reporter}",source_workload="${from}",source_workload_namespace="shop",destination_workload="${to}",destination_workload_namespace="shop",destination_service_name="${service}",destination_service_namespace="shop",connection_security_policy="${policy}"`;
    const add = (name: string, more: string, value: number | undefined): void => {
      if (value !== undefined) lines.push(`${name}{${labels}${more}} ${value}`);
    };
    add('istio_requests_total', ',response_code="200"', of.ok);
    add('istio_requests_total', ',response_code="503"', of.failed);
    for (const [at, le] of ['5', '10', '+Inf'].entries())
      add('istio_request_duration_milliseconds_bucket', `,le="${le}"`, of.buckets?.[at]);
    add('istio_tcp_connections_opened_total', '', of.opened);
    add('istio_tcp_connections_closed_total', '', of.closed);
  }
  return `${lines.join('\n')}\n`;
}

/** Two scrapes ten seconds apart: what each pod tells then, undefined where it does not answer. */
async function table(
  kind: StatKind,
  told: Readonly<Record<string, readonly [string | undefined, string | undefined]>>,
  ends: TrafficEnds = {},
): Promise<TrafficTable> {
  const clock = new FakeClock();
  const pods = Object.keys(told).map(pod);
  const scrape = (at: 0 | 1): Promise<Scrapes> => {
    const mesh: Mesh = {
      ...{ checkCommand: '', logCommand: () => '', restartCommand: () => '' },
      ...{ pods: async () => pods, controlPlanes: async () => [] },
      async read({ name }) {
        const text = told[name]![at];
        if (text === undefined) throw new WeftError('pod-unasked', 'refused');
        return text;
      },
    };
    return scrapeAll(mesh, pods, clock);
  };
  const before = await scrape(0);
  clock.advance(10_000);
  return trafficOf(kind, pods, before, await scrape(1), ends);
}

const shown = ({ rows }: TrafficTable, ...fields: (keyof Traffic)[]): unknown[] =>
  rows.map(row => [row.name, ...fields.map(field => row[field])]);

test('rates, success, quantiles and the share of mutual TLS are of what was counted in between', async () => {
  const found = await table('pods', {
    'cart-1': [
      exposition('cart', [
        { ok: 1000, failed: 50, buckets: [900, 1000, 1050] },
        { ok: 5, secured: false },
      ]),
      exposition('cart', [
        { ok: 1070, failed: 60, buckets: [940, 1070, 1130], opened: 3, closed: 1 },
        { ok: 25, secured: false },
        { ok: 999, reporter: 'source' },
      ]),
    ],
  });
  assert.deepEqual(found, {
    rows: [
      {
        ...{ namespace: 'shop', name: 'cart-1', proxies: 1, requestsPerSecond: 10, successRate: 0.9 },
        // Of 80 observations 40 took up to 5 ms; the 95th percentile is above the last bound.
        ...{ p50Ms: 5, p95Ms: 10, p99Ms: 10, tcpConnections: 2, tcpOpenedPerSecond: 0.3, mutualTls: 0.8 },
      },
    ],
    troubles: [],
  });
});

test('workloads add up their pods, Services what leads to them, whichever pod answered', async () => {
  const both = (workload: string, counted: Counted): [string, string] => [
    exposition(workload, []),
    exposition(workload, [counted]),
  ];
  const told = {
    'cart-1': both('cart', { ok: 10 }),
    'cart-2': both('cart', { ok: 30 }),
    'cart-v2-1': both('cart-v2', { ok: 40 }),
    'idle-1': [exposition('idle', []), exposition('idle', [])] as const,
  };
  assert.deepEqual(shown(await table('workloads', told), 'requestsPerSecond', 'proxies', 'successRate'), [
    ['cart', 4, 2, 1],
    ['cart-v2', 4, 1, 1],
    ['idle', 0, 1, undefined],
  ]);
  assert.deepEqual(shown(await table('services', told), 'requestsPerSecond', 'proxies'), [['cart', 8, 3]]);
});

test('a counter that fell began anew; what does not answer twice is told, not counted as nothing', async () => {
  const told = {
    again: [exposition('a', [{ ok: 5000 }]), exposition('a', [{ ok: 20 }])],
    gone: [exposition('a', [{ ok: 1 }]), undefined],
    late: [undefined, exposition('a', [{ ok: 900 }])],
    other: ['nginx_up 1\n', 'nginx_up 1\n'],
  } as const;
  const found = await table('pods', told);
  assert.deepEqual(shown(found, 'requestsPerSecond'), [['again', 2]]);
  assert.deepEqual(
    found.troubles.map(({ pod: name, message }) => `${name}: ${message}`),
    [
      'shop/gone: refused',
      'shop/late: refused',
      'shop/other: what answers on its port 15020 is no proxy of weft',
    ],
  );
  assert.match(
    statText('pods', found, false, { colours: false }),
    /without figures.*\n {2}! shop\/gone: refused\n/,
  );
});

test('without requests the share of mutual TLS is that of open TCP connections', async () => {
  const tcp = exposition('db', [
    { opened: 5, closed: 2 },
    { opened: 2, closed: 1, secured: false },
  ]);
  const found = await table('pods', { 'db-1': [tcp, tcp] });
  assert.deepEqual(shown(found, 'tcpConnections', 'tcpOpenedPerSecond', 'mutualTls'), [['db-1', 4, 0, 0.75]]);
});

test('a pod that came during the window is named by that', () => {
  const late: Scrapes = new Map([[keyOf(pod('new')), { atMs: 0, samples: [] }]]);
  const { troubles } = trafficOf('pods', [pod('new')], new Map(), late);
  assert.match(troubles[0]!.message, /not there at the beginning of the window/);
});

test('the text rounds so that 100 % means all, and says what an empty table means', () => {
  const row: Traffic = {
    ...{ namespace: 'shop', name: 'cart', proxies: 2, requestsPerSecond: 12.34, successRate: 0.99999 },
    ...{ p50Ms: 1.25, p95Ms: 1234, p99Ms: 30_000, tcpConnections: 3, tcpOpenedPerSecond: 0.25, mutualTls: 1 },
  };
  const text = statText('workloads', { rows: [row], troubles: [] }, true, { colours: false });
  assert.match(text, /\nshop +cart +12\.3 +99\.99% +1\.3ms +1234ms +30\.0s +3 +100\.00% +2 +0\.3$/);
  const empty = (kind: StatKind) => statText(kind, { rows: [], troubles: [] }, false, { colours: false });
  assert.match(empty('pods'), /^no pod has a proxy here; label /);
  assert.match(empty('services'), /^no Service has been called/);
});

test('of one caller, and of what goes to one callee as the callers count it', async () => {
  const told = {
    'web-1': [
      exposition('web', []),
      exposition('web', [
        { reporter: 'source', from: 'web', to: 'cart', ok: 30, failed: 10 },
        { reporter: 'source', from: 'web', to: 'stock', service: 'stock', ok: 50 },
      ]),
    ],
    'cart-1': [
      exposition('cart', []),
      exposition('cart', [
        { from: 'web', ok: 40 },
        { from: 'batch', ok: 20 },
      ]),
    ],
  } as const;
  const from = readEnd('--from', 'deploy/batch', 'shop');
  assert.deepEqual(shown(await table('workloads', told, { from }), 'requestsPerSecond'), [
    ['cart', 2],
    ['web', 0],
  ]);
  assert.deepEqual(shown(await table('services', told, { from }), 'requestsPerSecond'), [['cart', 2]]);
  for (const [to, ...figures] of [
    ['svc/cart', 4, 0.75],
    ['shop/cart', 4, 0.75],
    ['shop/svc/stock', 5, 1],
    ['ns/shop', 9, 8 / 9],
    ['bank/cart', 0, undefined],
  ] as const) {
    const found = await table('workloads', told, { to: readEnd('--to', to) });
    assert.deepEqual(shown(found, 'requestsPerSecond', 'successRate'), [
      ['cart', 0, undefined],
      ['web', ...figures],
    ]);
  }
});

test('an end that names nothing is refused, and the words say what to write', () => {
  for (const [flag, text] of [
    ['--from', 'svc/cart'],
    ['--to', 'svc/'],
    ['--to', '/cart'],
    ['--from', 'a/b/c'],
    ['--to', 'shop/ns/cart'],
  ] as const)
    assert.throws(() => readEnd(flag, text), {
      code: 'end-unreadable',
      message: new RegExp(`^${flag} ${text} names no call.*deploy/NAME`),
    });
});
