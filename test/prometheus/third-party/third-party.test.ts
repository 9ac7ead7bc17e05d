// What Istio's dashboards, Kiali, Flagger and Argo Rollouts ask, asked of a real Prometheus that scrapes the shop: while traffic
// runs each query has the rows that it should have, and once it has ended the same query over the counters themselves has exactly
// the numbers that were sent. Needs root and a Prometheus (WEFT_PROMETHEUS); leaves nothing behind.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { findPrometheus } from '../../../examples/demo/prometheus/server.ts';
import { machineCapabilities } from '../../../src/sandbox/index.ts';
import { canaryQueries } from './canary.queries.ts';
import { istioQueries } from './istio.queries.ts';
import { graphLabels, kialiQueries } from './kiali.queries.ts';
import { rowsBy } from './prometheus-api.ts';
import { ScrapedShop, soon } from './shop.ts';
import type { Facts, Over, ToolQuery } from './tool-query.ts';

// Not one that happens to be there: each of these files runs a shop of its own, and `make unit` would run both at once.
const program = process.env.WEFT_PROMETHEUS ? findPrometheus() : undefined;
const skip =
  machineCapabilities().reasons.join('; ') ||
  (program === undefined && 'there is no Prometheus; name one in WEFT_PROMETHEUS');
const dir = fileURLToPath(new URL('../../../examples/shop/kubernetes', import.meta.url));

const queries = [...istioQueries, ...kialiQueries, ...canaryQueries];
const rated: Over = selector => `rate(${selector}[10s])`;
const counted: Over = selector => selector;

const seconds = 14;
const plan = (url: string, perSecond: number, method = 'GET') =>
  ({
    mode: 'open',
    ratePerSecond: perSecond,
    count: perSecond * seconds,
    targets: [{ url, method }],
  }) as const;

/** A shop starts slowly where much else runs. */
const hookTimeout = { timeout: 200_000 };

describe('third-party queries on a real Prometheus', { skip, timeout: 280_000 }, () => {
  const undo: (() => unknown)[] = [];
  let shop: ScrapedShop;
  let facts: Facts;
  /** What each query answered while traffic ran. */
  const live = new Map<ToolQuery, Awaited<ReturnType<ScrapedShop['query']>> | Error>();

  before(async () => {
    shop = await ScrapedShop.start(dir, `third-party-${process.pid}`, program!, each => undo.unshift(each));
    await shop.fail('cart', { status: 500, path: '/fail' });
    const sent = Promise.all([
      shop.send('pages', plan('http://storefront/products/p{n}?user=ada', 10)),
      shop.send('orders', plan('http://cart:8080/items', 4, 'POST')),
      shop.send('missing', plan('http://cart:8080/nothing', 4)),
      shop.send('failed', plan('http://cart:8080/fail', 4)),
      visits(3 * seconds),
    ]);
    await new Promise(resolve => setTimeout(resolve, (seconds - 2) * 1000));
    for (const each of queries)
      live.set(each, await shop.query(each.text(rated)).catch((error: Error) => error));
    const [pages, orders, missing, failed, visited] = await sent;
    facts = {
      pages: pages.ok,
      orders: orders.ok,
      missing: missing.sent,
      failed: failed.sent,
      visits: visited,
      reviews: { v1: await shop.served('reviews', 'v1'), v2: await shop.served('reviews', 'v2') },
      proxies: (await shop.all()).filter(({ meshed }) => meshed).length,
    };
  }, hookTimeout);
  after(async () => {
    for (const each of undo) await each();
  });

  async function visits(count: number): Promise<number> {
    for (let i = 0; i < count; i++) {
      assert.equal(await shop.visit('http://cart.shop:8080/carts/visitor'), 200);
      await new Promise(resolve => setTimeout(resolve, 200));
    }
    return count;
  }

  test('what was sent is what the apps answered', async () => {
    const { pages, orders, missing, failed, visits: visited, reviews } = facts;
    assert.deepEqual([pages, orders, missing, failed], [10 * seconds, 4 * seconds, 4 * seconds, 4 * seconds]);
    assert.equal(reviews.v1 + reviews.v2, pages);
    assert.ok(reviews.v1 > 0 && reviews.v2 > 0);
    assert.equal(await shop.served('ratings'), reviews.v2);
    assert.ok((await shop.served('cart')) >= pages + orders + visited);
  });

  for (const each of queries) {
    const { tool, what, text, by, rows, keys, mayRest } = each;
    test(`${tool}: ${what}`, async () => {
      const answered = live.get(each)!;
      if (answered instanceof Error) throw answered;
      const now = rowsBy(answered, by);
      const wanted = rows?.(facts);
      assert.deepEqual(Object.keys(now).toSorted(), (keys ?? Object.keys(wanted!)).toSorted(), text(rated));
      const moved = mayRest ? rowsBy(await shop.query(text(counted)), by) : now;
      for (const [row, value] of Object.entries(moved))
        assert.ok(value > 0, `${row} is ${value}: ${text(rated)}`);
      if (wanted === undefined) return;
      await soon(async () => {
        const sums = rowsBy(await shop.query(text(counted)), by);
        const rounded = (of: Readonly<Record<string, number>>): object =>
          Object.fromEntries(Object.entries(of).map(([row, value]) => [row, Math.round(value * 1e4) / 1e4]));
        assert.deepEqual(rounded(sums), rounded(wanted), text(counted));
      });
    });
  }

  test('Kiali drops no row of its graph', async () => {
    const all = await shop.query('{__name__=~"istio_requests_total|istio_tcp_sent_bytes_total"}');
    assert.ok(all.length > 20);
    for (const { labels } of all) {
      for (const name of graphLabels) assert.notEqual(labels[name] ?? '', '', name);
      assert.equal(labels.exported_namespace, undefined);
      assert.match(labels.namespace!, /^(shop|outside|weft-system)$/);
    }
  });
});
