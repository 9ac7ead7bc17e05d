import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import type { TapItem } from '../../live/tap/index.ts';
import { FakeClock } from '../../time/index.ts';
import { HopJoiner, type TappedRequest } from './join.ts';
import { latencyText, rowOf, succeeded } from './row.ts';
import { type TapFlags, tapPath } from './tap-flags.ts';
import { requestData, TapTable } from './tap-text.ts';
import { collapse, TopRows, topText } from './top-rows.ts';

function item(over: Partial<TapItem> = {}): TapItem {
  return {
    ...{ id: 'r1', direction: 'outbound', protocol: 'http', atMs: Date.UTC(2026, 0, 1, 12, 0, 0, 5) },
    source: { pod: 'shop/web-1', workload: 'shop/web' },
    destination: { pod: 'shop/cart-1', workload: 'shop/cart', host: 'cart.shop.svc.cluster.local:80' },
    ...{
      method: 'GET',
      path: '/a',
      status: 200,
      flag: '',
      durationMs: 12.34,
      receivedBytes: 0,
      sentBytes: 2,
    },
    attempts: 1,
    ...over,
  };
}

const inbound = (over: Partial<TapItem> = {}): TapItem =>
  item({
    ...{ direction: 'inbound', durationMs: 9 },
    source: { address: '10.0.0.1:40000', principal: 'spiffe://cluster.local/ns/shop/sa/web' },
    ...over,
  });

function joining() {
  const clock = new FakeClock();
  const joined: TappedRequest[] = [];
  return { clock, joined, joiner: new HopJoiner(clock, request => joined.push(request)) };
}

test('both sides of a hop are one request, whichever comes first', () => {
  const { joined, joiner } = joining();
  joiner.add(inbound());
  joiner.add(item());
  joiner.add(item({ id: 'r2' }));
  joiner.add(inbound({ id: 'r2' }));
  assert.deepEqual(
    joined.map(({ client, server }) => [client?.id, server?.id]),
    [
      ['r1', 'r1'],
      ['r2', 'r2'],
    ],
  );
});

test('hops of one id are told apart by who was called, and a half without another is shown a moment later', async () => {
  const { clock, joined, joiner } = joining();
  joiner.add(item());
  joiner.add(inbound({ destination: { pod: 'shop/stock-1' } }));
  joiner.add(item({ id: '', protocol: 'tcp' }));
  assert.equal(joined.length, 1, 'a connection has no id, and waits for nobody');
  await clock.advance(400);
  assert.equal(joined.length, 3);
  joiner.add(item());
  joiner.add(item());
  assert.equal(joined.length, 4, 'a second one of the same side shows the first');
  joiner.flush();
  assert.equal(joined.length, 5);
});

test('a request is named by its workloads, by the identity or the address of who has none', () => {
  const both = rowOf({ client: item(), server: inbound() });
  assert.deepEqual(
    [both.source, both.destination, both.durationMs, both.serverMs, both.mtls],
    ['shop/web', 'shop/cart', 12.34, 9, true],
  );
  assert.equal(rowOf({ server: inbound() }).source, 'shop/web');
  const plain = rowOf({ server: inbound({ source: { address: '10.0.0.9:1' } }) });
  assert.deepEqual([plain.source, plain.mtls], ['10.0.0.9:1', false]);
  const nobody = item({ destination: { host: 'gone.shop:80' }, flag: 'UH', status: 503, attempts: 0 });
  assert.deepEqual(
    [rowOf({ client: nobody }).destination, rowOf({ client: nobody }).mtls],
    ['gone.shop:80', undefined],
  );
});

test('the reason of the side that knows it is told', () => {
  const { flag, detail } = rowOf({
    client: item({ status: 403 }),
    server: inbound({ status: 403, flag: 'UAEX', detail: 'denied by AuthorizationPolicy shop/deny' }),
  });
  assert.deepEqual([flag, detail], ['UAEX', 'denied by AuthorizationPolicy shop/deny']);
  assert.deepEqual(
    [200, 404, 503, 0].map(status => succeeded(rowOf({ client: item({ status }) }))),
    [true, true, false, false],
  );
});

test('the table fits the terminal; what is piped is not cut; nothing of a path steers the terminal', () => {
  const row = rowOf({ client: item({ path: `/${'x'.repeat(300)}\x1b[2J`, status: 503, flag: 'UH' }) });
  const narrow = new TapTable(false, { columns: 100, colours: false });
  assert.ok(narrow.head().length <= 100, narrow.head());
  assert.ok(narrow.row(row).length <= 100, narrow.row(row));
  assert.match(narrow.row(row), /^12:00:00\.005 {2}shop\/web +shop\/cart +503 UH +12\.3ms +GET +\/x+…$/);
  const piped = new TapTable(true, { colours: false }).row(row);
  assert.ok(piped.endsWith('x?[2J'), piped);
  assert.match(new TapTable(false, { columns: 100, colours: true }).row(row), /\x1b\[31m503 UH\x1b\[0m/);
});

test('the query says what the flags say', () => {
  const flags: TapFlags = {
    ...{ systemNamespace: 'weft-system', maxRps: 50, namespace: 'shop' },
    ...{ from: 'deploy/web', to: 'bank/svc/ledger', method: ['get', 'POST'], status: ['5xx'] },
    ...{ header: ['x-user=jane doe'], latency: 200 },
  };
  const query = new URLSearchParams(tapPath('svc/cart', flags, ['x-user']).split('?')[1]);
  assert.deepEqual(
    [...query],
    [
      ['namespace', 'shop'],
      ['target', 'svc/cart'],
      ['from', 'shop/deploy/web'],
      ['to', 'bank/svc/ledger'],
      ['method', 'get'],
      ['method', 'POST'],
      ['status', '5xx'],
      ['header', 'x-user=jane doe'],
      ['show', 'x-user'],
      ['minMs', '200'],
      ['maxRps', '50'],
    ],
  );
  assert.equal(tapPath('ns/bank', flags).split('&')[0], '/live/tap?namespace=bank');
  assert.match(
    tapPath('bank/deploy/ledger', { ...flags, namespace: 'shop' }),
    /namespace=bank&target=deploy%2Fledger/,
  );
  assert.throws(() => tapPath(undefined, { ...flags, allNamespaces: true }), { code: 'flags-clash' });
});

test('ids in paths are one row, words are not', () => {
  assert.deepEqual(
    [
      '/orders/17?page=2',
      '/users/3fa85f64-5717-4562-b3fc-2c963f66afa6/cart',
      '/blobs/deadbeef01',
      '/t/eyJhbGciOiJIUzI1NiJ9abc',
      '/api/v1/information-architecture',
    ].map(collapse),
    ['/orders/*', '/users/*/cart', '/blobs/*', '/t/*', '/api/v1/information-architecture'],
  );
});

test('top counts what is alike, the most frequent first, and its memory has a bound', () => {
  const rows = new TopRows();
  for (const [path, durationMs, status] of [
    ['/orders/1', 5, 200],
    ['/orders/2', 1, 503],
    ['/orders/3', 3, 200],
    ['/home', 9, 200],
  ] as const)
    rows.add(rowOf({ client: item({ path, durationMs, status }) }));
  const [head, orders] = topText(rows.rows(), { colours: false }, 10).split('\n');
  assert.match(head!, /^SOURCE +DESTINATION +METHOD +PATH +COUNT +BEST +WORST +LAST +SUCCESS$/);
  assert.match(orders!, /^shop\/web +shop\/cart +GET +\/orders\/\* +3 +1\.0ms +5\.0ms +3\.0ms +66\.66%$/);
  for (let i = 0; i < 2_000; i++)
    rows.add(rowOf({ client: item({ path: `/word${'abcdefghij'[i % 10]}/${'x'.repeat(i % 200)}y` }) }));
  for (let i = 0; i < 2_000; i++) rows.add(rowOf({ client: item({ method: `M${i}` }) }));
  assert.equal(rows.rows().length, 1_000);
});

test('latencies are written as people read them', () => {
  assert.deepEqual([0.04, 12.34, 250.4, 1_250].map(latencyText), ['0.0ms', '12.3ms', '250ms', '1.25s']);
});

test('what was refused and a copy that failed are lines of their own, which wait for no other half', () => {
  const { joined, joiner } = joining();
  const refused = inbound({
    ...{ what: 'refusal', protocol: 'tcp', id: 'r1', flag: 'UAEX', reason: 'plaintext', durationMs: 0 },
    ...({ method: undefined, path: undefined, status: undefined, detail: 'takes mutual TLS only' } as object),
    ...{ source: { address: '10.0.0.9:4000' }, destination: { pod: 'shop/cart-1', workload: 'shop/cart' } },
  });
  const copy = item({
    ...{ what: 'mirror', flag: 'UF', detail: 'refused', attempts: 1 },
    ...({ method: undefined, path: undefined, status: undefined } as object),
  });
  joiner.add(refused);
  joiner.add(copy);
  const rows = joined.map(rowOf);
  const table = new TapTable(false, { colours: false });
  const text = rows.map(row => table.row(row).trim().split(/ {2,}/).slice(1).join(' | '));
  assert.deepEqual(text, [
    '10.0.0.9:4000 | shop/cart | UAEX | 0.0ms | REFUSED | plaintext (takes mutual TLS only)',
    'shop/web | shop/cart | UF | 12.3ms | MIRROR | - (refused)',
  ]);
  assert.deepEqual(rows.map(succeeded), [false, false]);
});

test('for programs a request is a line of JSON, or a document of YAML', () => {
  const { joined, joiner } = joining();
  joiner.add(inbound());
  joiner.add(item());
  const [request] = joined;
  const json = requestData(request!, 'json');
  assert.doesNotMatch(json, /\n/);
  const yaml = [request!, request!].map(each => requestData(each, 'yaml')).join('\n');
  const documents = parseAllDocuments(yaml).map(document => document.toJS() as unknown);
  assert.deepEqual(documents, [JSON.parse(json), JSON.parse(json)]);
});
