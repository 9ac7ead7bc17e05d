// What the proxy's own code wrote (src/telemetry), ten seconds apart: 110 requests before, 100 in between.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { edgesOf } from '../edges/edges.ts';
import { type MeshPod, readExposition } from '../proxies/index.ts';
import type { Scrapes } from './scrape.ts';
import { trafficOf } from './traffic.ts';

const pod: MeshPod = { namespace: 'shop', name: 'cart-1', labels: {}, phase: 'Running' };

function captured(when: 'before' | 'after', atMs: number): Scrapes {
  const text = readFileSync(join(import.meta.dirname, 'testing', `cart-${when}.prom`), 'utf8');
  return new Map([['shop/cart-1', { atMs, samples: readExposition(text, () => true) }]]);
}

const [before, after] = [captured('before', 0), captured('after', 10_000)];

test('of a captured exposition the figures are those of the requests that were made', () => {
  const [row] = trafficOf('workloads', [pod], before, after).rows;
  assert.deepEqual([row!.name, row!.requestsPerSecond, row!.tcpConnections], ['cart-v1', 10, 3]);
  const rounded = [row!.successRate, row!.mutualTls, row!.p50Ms, row!.p95Ms, row!.p99Ms].map(
    value => Math.round(value! * 1e6) / 1e6,
  );
  // Of 100: 65 in (1, 5] ms, 30 in (50, 100], 5 in (500, 1000]; the ranks are 50, 95 and 99.
  assert.deepEqual(rounded, [0.95, 0.95, 4.076923, 100, 900]);
});

test('of a captured exposition the edges are those who called', () => {
  const { edges } = edgesOf([pod], before, after);
  assert.deepEqual(
    edges.map(({ source, destination, clientIdentities }) => [source, destination, clientIdentities]),
    [
      ['shop/web-v1', 'shop/cart-v1', ['spiffe://cluster.local/ns/shop/sa/web']],
      ['unknown', 'shop/cart-v1', []],
    ],
  );
});
