import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { start } from '../testing.ts';
import type { BannerReport, RawReport } from './probes.ts';
import type { Report } from './tally.ts';

async function ask<T>(url: string, method = 'GET', body?: object): Promise<T> {
  const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
  const answer = await fetch(url, init);
  const { report, error } = (await answer.json()) as { report?: T; error?: string };
  if (report === undefined) throw new Error(`${answer.status} ${error}`);
  return report;
}

test('as a command it sends GET and POST in the asked mix and prints what happened', async () => {
  await using cart = await start('shop/cart.ts', { POD_NAME: 'cart-a' });
  const args = ['--url', `${cart.url}/carts/ada`, '--post-url', `${cart.url}/items`, '--post-share', '0.2'];
  const { stdout } = await promisify(execFile)(process.execPath, [
    fileURLToPath(new URL('main.ts', import.meta.url)),
    ...[...args, '--concurrency', '4', '--count', '100'],
  ]);
  const report = JSON.parse(stdout) as Report;
  assert.deepEqual(report.methods, { GET: { sent: 80, ok: 80 }, POST: { sent: 20, ok: 20 } });
  assert.deepEqual(report.servedBy, { 'cart/cart-a/v1': 100 });
  const told = (await (await fetch(`${cart.url}/orders`)).json()) as { orders: number; repeated: string[] };
  assert.deepEqual([told.orders, told.repeated], [20, []]);
});

test('as a service it starts, reports and stops runs by name', async () => {
  await using ratings = await start('shop/ratings.ts');
  await using load = await start('load/main.ts', {}, ['serve']);
  const plan = { targets: [{ url: `${ratings.url}/ratings/p{n}` }], mode: 'closed', concurrency: 2 };
  await ask<Report>(`${load.url}/runs/steady`, 'POST', plan);
  await assert.rejects(ask(`${load.url}/runs/steady`, 'POST', plan), /409 run steady is still running/);
  let report = await ask<Report>(`${load.url}/runs/steady`);
  while (report.ok < 10) report = await ask<Report>(`${load.url}/runs/steady`);
  report = await ask<Report>(`${load.url}/runs/steady`, 'DELETE');
  assert.equal(report.running, false);
  assert.equal(report.inFlight, 0);
  assert.equal(report.ok, report.sent);
  await assert.rejects(ask(`${load.url}/runs/other`), /404 no run other; there are: steady/);
  await assert.rejects(ask(`${load.url}/runs/bad`, 'POST', {}), /400 targets/);
});

test('sends gRPC calls, and tells their statuses', async () => {
  await using offers = await start('shop/offers.ts', { GRPC_PORT: '0' });
  await using load = await start('load/main.ts', {}, ['serve']);
  const authority = /takes gRPC at (\S+)/.exec(offers.output())![1]!;
  const run = async (name: string, query: string): Promise<Report> => {
    const targets = [{ url: `grpc://${authority}/shop.Offers/Price?product=${query}` }];
    await ask<Report>(`${load.url}/runs/${name}`, 'POST', {
      targets,
      mode: 'closed',
      concurrency: 2,
      count: 10,
    });
    let report = await ask<Report>(`${load.url}/runs/${name}`);
    while (report.running) report = await ask<Report>(`${load.url}/runs/${name}`);
    return report;
  };
  const good = await run('good', 'p{n}');
  assert.deepEqual([good.ok, good.servedBy], [10, { 'offers/pod-1/v1': 10 }]);
  const bad = await run('bad', 'p9');
  assert.deepEqual([bad.failed, bad.errors], [10, { 'NOT_FOUND no product p9': 10 }]);
});

test('counts a refused connection as a lost request and names it', async () => {
  await using load = await start('load/main.ts', {}, ['serve']);
  await ask(`${load.url}/runs/lost`, 'POST', {
    targets: [{ url: 'http://127.0.0.1:1/' }],
    mode: 'closed',
    count: 3,
  });
  const report = await ask<Report>(`${load.url}/runs/lost`, 'DELETE');
  assert.equal(report.lostIdempotent, report.sent);
  assert.deepEqual(Object.keys(report.errors), ['ECONNREFUSED']);
});

test('measures how soon a server that speaks first is heard, and names one that does not', async () => {
  await using stock = await start('shop/stock.ts', { POD_NAME: 'stock-0' });
  await using load = await start('load/main.ts', {}, ['serve']);
  const report = await ask<BannerReport>(`${load.url}/probe/banner`, 'POST', {
    host: '127.0.0.1',
    port: stock.port,
    count: 3,
  });
  assert.deepEqual(report.banners, { 'STOCK/1 ready stock/stock-0/v1': 3 });
  assert.equal(report.latencyMs.count, 3);
  const refused = await ask<BannerReport>(`${load.url}/probe/banner`, 'POST', {
    host: '127.0.0.1',
    port: 1,
    count: 1,
  });
  assert.deepEqual(refused.errors, ['ECONNREFUSED']);
});

test('sends bytes as they are and shows what came back', async () => {
  await using ratings = await start('shop/ratings.ts');
  await using load = await start('load/main.ts', {}, ['serve']);
  const report = await ask<RawReport>(`${load.url}/probe/raw`, 'POST', {
    host: '127.0.0.1',
    port: ratings.port,
    text: 'GET /echo HTTP/1.1\r\nhOst: a\r\n\r\n',
  });
  assert.match(report.text, /^HTTP\/1.1 200 OK\r\nX-eChO-CaSe: Kept\r\n/);
  assert.match(report.text, /"hOst: a"/);
});
