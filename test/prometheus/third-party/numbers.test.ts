// Numbers add up: what was sent is what the source counts and what the destination counts, while pods are replaced and while
// requests are retried, HTTP and TCP. Pods that are gone count with the last of what was scraped of them, so these stay for some
// scrapes after their traffic has ended. Needs root and a Prometheus (WEFT_PROMETHEUS); leaves nothing behind.
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { parseAllDocuments, stringify } from 'yaml';
import { findPrometheus } from '../../../examples/demo/prometheus/server.ts';
import type { Report } from '../../../examples/load/tally.ts';
import { machineCapabilities } from '../../../src/sandbox/index.ts';
import { rowsBy } from './prometheus-api.ts';
import { ScrapedShop, soon } from './shop.ts';

// Not one that happens to be there: each of these files runs a shop of its own, and `make unit` would run both at once.
const program = process.env.WEFT_PROMETHEUS ? findPrometheus() : undefined;
const skip =
  machineCapabilities().reasons.join('; ') ||
  (program === undefined && 'there is no Prometheus; name one in WEFT_PROMETHEUS');
const shopFolder = fileURLToPath(new URL('../../../examples/shop/kubernetes', import.meta.url));
/** Six scrapes, the first of which may still see traffic. */
const stayMs = 6_000;

/** The shop with pods that stay a while when they are told to go. */
function stayingShop(): string {
  const folder = mkdtempSync(join(tmpdir(), 'weft-numbers-'));
  cpSync(shopFolder, folder, { recursive: true });
  for (const file of readdirSync(folder)) {
    const path = join(folder, file);
    const objects = parseAllDocuments(readFileSync(path, 'utf8')).map(each => each.toJS() as Workload | null);
    for (const object of objects) {
      for (const container of object?.spec?.template?.spec?.containers ?? [])
        container.lifecycle = {
          preStop: { exec: { command: ['node', '-e', `setTimeout(() => {}, ${stayMs})`] } },
        };
    }
    writeFileSync(path, objects.map(each => stringify(each)).join('---\n'));
  }
  return folder;
}
interface Workload {
  readonly spec?: {
    readonly template?: { readonly spec?: { readonly containers?: { lifecycle?: object }[] } };
  };
}

/** What was counted in all, by pods that are gone as well. */
const ever = (selector: string): string => `last_over_time(${selector}[30m])`;

/** A shop starts slowly where much else runs. */
const hookTimeout = { timeout: 200_000 };

describe('numbers add up', { skip, timeout: 280_000 }, () => {
  const undo: (() => unknown)[] = [];
  let shop: ScrapedShop;

  before(async () => {
    const folder = stayingShop();
    undo.unshift(() => rmSync(folder, { recursive: true, force: true }));
    shop = await ScrapedShop.start(folder, `numbers-${process.pid}`, program!, each => undo.unshift(each));
  }, hookTimeout);
  after(async () => {
    for (const each of undo) await each();
  });

  /** Requests by whom they went to and how they were answered, as one side counts them. */
  const counted = async (reporter: string, selector: string): Promise<Record<string, number>> =>
    rowsBy(await shop.query(ever(`istio_requests_total{reporter="${reporter}",${selector}}`)), [
      'destination_canonical_service',
      'response_code',
    ]);
  const sum = (rows: Readonly<Record<string, number>>): number =>
    Object.values(rows).reduce((total, value) => total + value, 0);
  const opened = 'istio_tcp_connections_opened_total';
  const tcp = async (metric: string, reporter: string): Promise<number> =>
    shop.total(ever(`${metric}{reporter="${reporter}",destination_workload="stock"}`));

  test('while every service is replaced under load', async t => {
    const before = sum(await counted('source', 'source_workload="loadgen"'));
    assert.equal(before, 0);
    await shop.begin('pages', { url: 'http://storefront/products/p{n}?user=ada' }, 10);
    for (const target of ['sts/shop/stock', 'deploy/shop/cart', 'deploy/shop/storefront'])
      await shop.sandbox.restart(target, { timeoutMs: 60_000 });
    const report = await shop.end('pages');
    assert.deepEqual([report.failed, report.skipped], [0, 0], JSON.stringify(report.failures));
    await soon(async () => {
      const source = await counted('source', 'source_workload_namespace="shop"');
      const pages = report.sent;
      const ratings = source['ratings 200'] ?? 0;
      const expected = Object.fromEntries(
        ['storefront', 'catalog', 'offers', 'cart', 'reviews'].map(name => [`${name} 200`, pages]),
      );
      assert.deepEqual(source, { ...expected, 'ratings 200': ratings });
      const destination = await counted('destination', 'destination_workload_namespace="shop"');
      const good = Object.entries(destination).filter(([row]) => row.endsWith(' 200'));
      assert.deepEqual(Object.fromEntries(good), source, 'answers that callees gave and callers got');
      const retries = await shop.total(ever('weft_retries_total{namespace="shop"}'));
      const more = sum(destination) - sum(source);
      assert.ok(more >= 0 && more <= retries, `${more} more tries than requests, ${retries} retries`);
    });
    t.diagnostic(`${report.sent} pages while three services were replaced`);
  });

  test('TCP: connections of servers that were replaced as well, and bytes', async () => {
    const bytes = ['istio_tcp_received_bytes_total', 'istio_tcp_sent_bytes_total'];
    const of = async (reporter: string): Promise<number[]> =>
      Promise.all([opened, ...bytes].map(metric => tcp(metric, reporter)));
    const both = async () => ({ source: await of('source'), destination: await of('destination') });
    const start = await settled(both);
    const [connections = 0] = start.source;
    assert.ok(connections >= 4, `${connections} connections`);
    assert.equal(start.destination[0], connections);
    // A connection is used until its server ends it, and what passes after the last scrape of a pod nobody sees.
    for (const [i, metric] of bytes.entries())
      assert.ok(start.destination[i + 1]! <= start.source[i + 1]!, `${metric}: more came than was sent`);
    const report = await shop.send('more', {
      mode: 'open',
      ratePerSecond: 20,
      count: 100,
      targets: [{ url: 'http://storefront/products/p{n}?user=ada' }],
    });
    assert.equal(report.failed, 0);
    const end = await settled(both);
    const more = (side: 'source' | 'destination') => end[side].map((value, i) => value - start[side][i]!);
    assert.deepEqual(more('destination'), more('source'));
    for (const [i, grown] of more('source').slice(1).entries())
      assert.ok(grown > 100, `${bytes[i]} ${grown}`);
  });

  test('while half of the answers are retried', async t => {
    const to = 'destination_canonical_service="ratings"';
    const of = async (reporter: string): Promise<Record<string, number>> => counted(reporter, to);
    const retries = 'weft_retries_total{namespace="shop",cluster_name=~"ratings.*"}';
    // Nothing else calls ratings now, and all of it has been scraped.
    const start = await soon(async () => {
      const both = { source: await of('source'), destination: await of('destination') };
      assert.deepEqual(both.source, both.destination);
      return { ...both, retries: await shop.total(ever(retries)) };
    });
    await shop.fail('ratings', { status: 503, share: 0.5, path: '/ratings' });
    const report: Report = await shop.send('ratings', {
      mode: 'open',
      ratePerSecond: 20,
      count: 200,
      targets: [{ url: 'http://ratings:8080/ratings/p{n}' }],
    });
    await shop.fail('ratings', undefined);
    assert.equal(report.sent, 200);
    await soon(async () => {
      const source = grown(await of('source'), start.source);
      const destination = grown(await of('destination'), start.destination);
      const tries = (await shop.total(ever(retries))) - start.retries;
      assert.ok(tries > 10, `${tries} retries`);
      assert.deepEqual(
        source,
        Object.fromEntries(
          Object.entries(report.statuses).map(([status, count]) => [`ratings ${status}`, count]),
        ),
        'what the caller was answered',
      );
      assert.equal(sum(destination), report.sent + tries, 'tries that reached ratings');
      assert.equal(destination['ratings 200'], source['ratings 200']);
      t.diagnostic(`200 requests became ${sum(destination)} tries`);
    });
  });
});

/** What is read twice in a row, some scrapes apart: all of it has been scraped. */
async function settled<T>(read: () => Promise<T>): Promise<T> {
  for (let before = await read(), i = 0; i < 10; i++) {
    await sleep(3_000);
    const now = await read();
    if (isDeepStrictEqual(now, before)) return now;
    before = now;
  }
  throw new Error('numbers went on changing for half a minute');
}

/** Rows that grew, by how much. */
function grown(
  now: Readonly<Record<string, number>>,
  then: Readonly<Record<string, number>>,
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(now)
      .map(([row, value]) => [row, value - (then[row] ?? 0)] as const)
      .filter(([, value]) => value !== 0),
  );
}
