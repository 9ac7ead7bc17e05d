import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ExchangeRig, OK, post } from '../../proxy/testing/exchange-rig.ts';
import { RouteRig } from '../../proxy/testing/route-rig.ts';
import type { Asker } from '../index.ts';
import { readTapQuestion, type TapItem, type TapQuestion, tapAnswerer, withoutSecrets } from './index.ts';

/** A tap on a rig's requests. */
function tapped(rig: ExchangeRig, question: Partial<TapQuestion> = {}) {
  const items: TapItem[] = [];
  let skipped = 0;
  let ended: string | undefined;
  const asker: Asker = {
    say: item => items.push(item as TapItem) > 0,
    skip: () => void skipped++,
    done: error => {
      ended = error ?? 'done';
    },
    share: 1,
  };
  const stop = tapAnswerer(() => rig.services.observers, rig.services.clock)(
    { kind: 'tap', ...question },
    asker,
  );
  return { items, stop, skipped: () => skipped, ended: () => ended };
}

async function send(rig: ExchangeRig, head: string, answer = OK): Promise<void> {
  const client = rig.client();
  client.peer.send(`${head}\r\nhost: a\r\n\r\n`);
  (await rig.upstream()).send(answer);
  await rig.settle();
}

test('a request is told as it ends, with where it went, how long it took and what became of it', async () => {
  const rig = new ExchangeRig();
  const { items } = tapped(rig, { show: ['x-user', 'authorization', 'x-absent'] });
  const client = rig.client();
  client.peer.send(
    'GET /a?token=abc&n=1 HTTP/1.1\r\nhost: a\r\nx-request-id: r1\r\nx-user: jane\r\nauthorization: Bearer x\r\n\r\n',
  );
  const upstream = await rig.upstream();
  await rig.advance(20);
  assert.equal(items.length, 0);
  upstream.send(OK);
  await rig.settle();
  const [
    {
      id,
      direction,
      protocol,
      method,
      path,
      authority,
      status,
      flag,
      durationMs,
      answeredMs,
      attempts,
      ...rest
    },
  ] = items as [TapItem];
  assert.deepEqual(
    [id, direction, protocol, method, path, authority, status, flag],
    ['r1', 'outbound', 'http', 'GET', '/a?token=[redacted]&n=1', 'a', 200, ''],
  );
  assert.deepEqual([durationMs, answeredMs, attempts], [20, 20, 1]);
  assert.equal(rest.destination.address, '10.0.0.1:80');
  assert.deepEqual(rest.headers, { 'x-user': 'jane', authorization: '[redacted]' });
  assert.equal(items.length, 1);
});

test('nothing is watched before and after', async () => {
  const rig = new ExchangeRig();
  assert.equal(rig.services.observers.watching, false);
  const { items, stop } = tapped(rig);
  assert.equal(rig.services.observers.watching, true);
  stop!();
  assert.equal(rig.services.observers.watching, false);
  await send(rig, 'GET / HTTP/1.1');
  assert.deepEqual(items, []);
});

test('a filter is for what it says, and all of them have to hold', async () => {
  const cases: readonly [Partial<TapQuestion>, boolean][] = [
    [{ methods: ['GET', 'PUT'] }, true],
    [{ methods: ['POST'] }, false],
    [{ path: '/api/' }, true],
    [{ path: '/API' }, false],
    [{ path: '/api/*/orders' }, true],
    [{ path: '/api/*/order' }, false],
    [{ path: '*page=1' }, false],
    [{ path: '*?page=1' }, true],
    [{ path: '/api*api/v1/orders' }, false],
    [{ statuses: ['404', '2xx'] }, true],
    [{ statuses: ['failed'] }, false],
    [{ flags: ['UH'] }, false],
    [{ headers: [{ name: 'x-user' }] }, true],
    [{ headers: [{ name: 'x-user', value: 'jane' }] }, true],
    [{ headers: [{ name: 'x-user', value: 'joe' }] }, false],
    [{ headers: [{ name: 'x-none' }] }, false],
    [{ authority: 'shop' }, true],
    [{ authority: 'bank' }, false],
    [{ minMs: 1 }, false],
    [{ id: 'r1' }, true],
    [{ id: 'r2' }, false],
    [{ protocol: 'http' }, true],
    [{ protocol: 'grpc' }, false],
    [{ protocol: 'tcp' }, false],
    [{ direction: 'inbound' }, false],
    [{ direction: 'outbound', methods: ['GET'], path: '/api' }, true],
    [{ direction: 'outbound', methods: ['GET'], path: '/apo' }, false],
    [{ from: ['10.0.0.1'] }, false],
    [{ to: [{ address: '10.0.0.1' }] }, true],
    [{ to: [{ address: '10.0.0.9' }, { service: 'other', namespace: '' }] }, false],
  ];
  for (const [question, fits] of cases) {
    const rig = new ExchangeRig();
    const { items, ended } = tapped(rig, question);
    const client = rig.client();
    client.peer.send(
      'GET /api/v1/orders?page=1 HTTP/1.1\r\nhost: shop:80\r\nx-request-id: r1\r\nx-user: jane\r\n\r\n',
    );
    (await rig.upstream()).send(OK);
    await rig.settle();
    assert.equal(ended(), undefined, JSON.stringify(question));
    assert.equal(items.length, fits ? 1 : 0, JSON.stringify(question));
  }
});

test('what a proxy answers itself is told with its flag and the reason', async () => {
  const rig = new RouteRig([{ fault: { abort: { status: 503, percent: 100 } } }]);
  const { items } = tapped(rig, { statuses: ['failed'] });
  await rig.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  const [{ status, flag, attempts }] = items as [TapItem];
  assert.deepEqual([status, flag, attempts], [503, 'FI', 0]);
});

test('no more than the rate is told, and what is beyond is counted', async () => {
  const rig = new RouteRig([{ fault: { abort: { status: 503, percent: 100 } } }]);
  const { items, skipped } = tapped(rig, { maxRps: 3 });
  for (let i = 0; i < 5; i++) await rig.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  assert.deepEqual([items.length, skipped()], [3, 2]);
  await rig.advance(1_000);
  await rig.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  assert.equal(items.length, 4);
});

test('a question that makes no sense is refused in words, and nothing is watched for it', () => {
  const rig = new ExchangeRig();
  const { ended, stop } = tapped(rig, { statuses: ['teapot'] });
  assert.match(ended()!, /'teapot' is no status/);
  assert.deepEqual([stop, rig.services.observers.watching], [undefined, false]);
  for (const [question, words] of [
    [{ direction: 'up' }, /direction/],
    [{ maxRps: 0 }, /1 to 1000/],
    [{ maxRps: 1e9 }, /1 to 1000/],
    [{ minMs: Number.NaN }, /latency/],
    [{ methods: 'GET' }, /list/],
    [{ path: 'x'.repeat(2_000) }, /too long/],
    [{ headers: [{ name: 'cookie', value: 'session=1' }] }, /secret/],
    [{ headers: [{ value: 'x' }] }, /no name/],
    [{ to: [{}] }, /cannot be read/],
  ] as const) {
    const read = readTapQuestion({ kind: 'tap', ...question });
    assert.ok(typeof read === 'string' && words.test(read), JSON.stringify([question, read]));
  }
  assert.deepEqual(readTapQuestion({ kind: 'tap' }), { kind: 'tap', maxRps: 100 });
});

test('values of parameters that look like secrets are left out, and nothing else', () => {
  for (const [target, shown] of [
    ['/a', '/a'],
    ['/a?n=1&m=token', '/a?n=1&m=token'],
    ['/a?access_token=x&n=1', '/a?access_token=[redacted]&n=1'],
    ['/a?n=1&API-KEY=x;y=2', '/a?n=1&API-KEY=[redacted];y=2'],
    ['/a?X-Amz-Signature=x&code=y&sig=z', '/a?X-Amz-Signature=[redacted]&code=[redacted]&sig=[redacted]'],
    ['/a?password', '/a?password'],
  ])
    assert.equal(withoutSecrets(target!), shown);
});

test('what is no request is told as refused, with why', async () => {
  const rig = new ExchangeRig();
  const { items } = tapped(rig);
  rig.client().peer.send('GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n');
  await rig.settle();
  const [refusal] = items as [TapItem];
  assert.deepEqual(
    [refusal.what, refusal.protocol, refusal.status, refusal.flag, refusal.reason?.split(':')[0]],
    ['refusal', 'http', 400, 'DPE', 'malformed'],
  );
});

test('a copy that nobody answers is told beside its request, unless only the head could say whether it is meant', async () => {
  const told: string[][] = [];
  for (const question of [{}, { methods: ['POST'] }, { statuses: ['failed'] }, { statuses: ['200'] }]) {
    const rig = new RouteRig([{ mirrors: [{ cluster: 'b:80', percent: 100 }] }]);
    const { items } = tapped(rig, question);
    const client = rig.client();
    client.peer.send(post('x').replace('host: a', 'host: a\r\nx-request-id: mine'));
    await rig.settle();
    const copy = rig.host.dials.findIndex(({ endpoint }) => endpoint.address === '10.0.0.2');
    rig.host.dials[copy]!.fail('UF', 'refused');
    (await rig.upstream()).send(OK);
    await rig.settle();
    told.push(
      items.map(each => `${each.what ?? 'request'} ${each.id} ${each.destination.host} ${each.flag}`),
    );
  }
  const request = 'request mine a.default:80 ';
  assert.deepEqual(told, [['mirror mine b:80 UF', request], [request], ['mirror mine b:80 UF'], [request]]);
});

test('filters hold for refusals as far as they can be held against them', async () => {
  const cases: readonly [Partial<TapQuestion>, boolean][] = [
    [{ direction: 'outbound' }, true],
    [{ direction: 'inbound' }, false],
    [{ statuses: ['400'] }, true],
    [{ statuses: ['failed'] }, true],
    [{ statuses: ['2xx'] }, false],
    [{ flags: ['DPE'] }, true],
    [{ protocol: 'tcp' }, false],
    [{ id: 'other' }, false],
    [{ methods: ['GET'] }, false],
    [{ path: '/' }, false],
    [{ authority: 'a' }, false],
    [{ headers: [{ name: 'host' }] }, false],
    [{ minMs: 0 }, false],
    [{ to: [{ address: '10.0.0.1' }] }, false],
  ];
  for (const [question, fits] of cases) {
    const rig = new ExchangeRig();
    const { items } = tapped(rig, question);
    rig.client().peer.send('GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n');
    await rig.settle();
    assert.equal(items.length, fits ? 1 : 0, JSON.stringify(question));
  }
});
