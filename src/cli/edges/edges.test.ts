import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MeshPod, Sample } from '../proxies/index.ts';
import { keyOf, type Scrapes } from '../stat/scrape.ts';
import { edgesOf } from './edges.ts';
import { edgesText } from './text.ts';

const pod = (name: string): MeshPod => ({ namespace: 'shop', name, labels: {}, phase: 'Running' });
const id = (account: string): string => `spiffe://cluster.local/ns/shop/sa/${account}`;

const secured = {
  ...{ source_workload: 'web', source_workload_namespace: 'shop', source_principal: id('web') },
  ...{
    destination_workload: 'cart',
    destination_workload_namespace: 'shop',
    destination_principal: id('cart'),
  },
  ...{ destination_service_name: 'cart', connection_security_policy: 'mutual_tls' },
};
const stranger = {
  ...secured,
  ...{ source_workload: 'unknown', source_workload_namespace: 'unknown', source_principal: 'unknown' },
  ...{ destination_principal: 'unknown', connection_security_policy: 'none' },
};
const outside = {
  ...secured,
  ...{ source_principal: 'unknown', connection_security_policy: 'unknown', destination_principal: 'unknown' },
  ...{ destination_workload: 'unknown', destination_workload_namespace: 'unknown' },
  destination_service_name: 'PassthroughCluster',
};

type Labels = Readonly<Record<string, string>>;
const requests = (reporter: string, labels: Labels, value: number, code = '200'): Sample => ({
  name: 'istio_requests_total',
  labels: { reporter, response_code: code, ...labels },
  value,
});
const tcp = (what: string, labels: Labels, value: number): Sample => ({
  name: `istio_tcp_connections_${what}_total`,
  labels: { reporter: 'destination', ...labels },
  value,
});

/** Scrapes at that second. */
const scrapes = (second: number, told: Readonly<Record<string, readonly Sample[]>>): Scrapes =>
  new Map(
    Object.entries(told).map(([name, samples]) => [keyOf(pod(name)), { atMs: second * 1000, samples }]),
  );

test('an edge is told once, as the callee counted it, with the identities that were proved', () => {
  const before = scrapes(0, { web: [requests('source', secured, 5)], cart: [] });
  const after = scrapes(10, {
    web: [requests('source', secured, 999), requests('source', outside, 20)],
    cart: [
      requests('destination', secured, 30),
      requests('destination', secured, 10, '503'),
      requests('destination', stranger, 10),
    ],
  });
  const { edges, troubles } = edgesOf([pod('web'), pod('cart')], before, after);
  assert.deepEqual(troubles, []);
  assert.deepEqual(edges, [
    {
      ...{ source: 'shop/web', destination: 'PassthroughCluster', requestsPerSecond: 2, tcpConnections: 0 },
      ...{ mutualTls: 0, clientIdentities: [], serverIdentities: [], reporter: 'source' },
    },
    {
      ...{
        source: 'shop/web',
        destination: 'shop/cart',
        requestsPerSecond: 4,
        tcpConnections: 0,
        mutualTls: 1,
      },
      ...{ clientIdentities: [id('web')], serverIdentities: [id('cart')], reporter: 'destination' },
    },
    {
      ...{ source: 'unknown', destination: 'shop/cart', requestsPerSecond: 1, tcpConnections: 0 },
      ...{ mutualTls: 0, clientIdentities: [], serverIdentities: [], reporter: 'destination' },
    },
  ]);
  const text = edgesText({ edges, troubles }, false, { colours: false });
  assert.match(text, /\nshop\/web +shop\/cart +4\.0 +0 +100\.00% +shop\/web +shop\/cart\n/);
  assert.match(text, /\nunknown +shop\/cart +1\.0 +0 +0\.00% +- +-$/);
  assert.match(edgesText({ edges, troubles }, true, { colours: false }), /spiffe:\/\/\S+ +destination\n/);
});

test('TCP counts by open connections; who is silent now stays as an edge without a share', () => {
  const idle = { ...secured, source_workload: 'idle' };
  const told = {
    cart: [
      ...[
        tcp('opened', secured, 5),
        tcp('closed', secured, 2),
        tcp('opened', { ...secured, ...plaintext }, 1),
      ],
      requests('destination', idle, 7),
    ],
  };
  const { edges } = edgesOf([pod('cart')], scrapes(0, told), scrapes(5, told));
  assert.deepEqual(
    edges.map(({ source, requestsPerSecond, tcpConnections, mutualTls }) => [
      ...[source, requestsPerSecond, tcpConnections, mutualTls],
    ]),
    [
      ['shop/idle', 0, 0, undefined],
      ['shop/web', 0, 4, 0.75],
    ],
  );
});
const plaintext = { connection_security_policy: 'none' };

test('pods that could not be asked are told, and nothing is said in words', () => {
  const gone: Scrapes = new Map([['shop/cart', { trouble: 'refused' }]]);
  const found = edgesOf([pod('cart')], gone, gone);
  assert.match(
    edgesText(found, false, { colours: false }),
    /^nobody has called anybody .*\n\n.*\n {2}! shop\/cart: refused$/,
  );
});
