import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ExchangeRig, GET, OK, post } from '../testing/exchange-rig.ts';

const hedging = { endpoints: 2, retry: { hedgeAfterMs: 100 } } as const;
const idle = { exchanges: 0, tunnels: 0, requests: 0, waiting: 0, active: 0 };
const unavailable = 'HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n';

/** A request of which the first try waits for its answer and the second has just been sent, to another endpoint. */
async function hedged(request = GET) {
  const rig = new ExchangeRig(hedging);
  const client = rig.client();
  client.peer.send(request);
  const first = await rig.upstream();
  await rig.advance(110);
  assert.equal(rig.host.dials.length, 1, 'a second try goes out');
  const second = await rig.upstream();
  assert.equal(second.text, request);
  return { rig, client, first, second };
}

test('the second try answers first: it is taken, the slow one is given up', async () => {
  const { rig, client, first, second } = await hedged();
  second.send(OK);
  assert.equal(client.peer.text, OK);
  assert.equal(first.closed, true);
  assert.deepEqual(rig.outcomes(), ['200']);
  assert.equal(rig.records()[0]!.attempts, 2);
  assert.deepEqual(rig.open, idle);
  assert.equal(rig.cluster.retries, 1);
});

test('the first try answers after all: the second is given up', async () => {
  const { rig, client, first, second } = await hedged();
  first.send(OK);
  assert.equal(client.peer.text, OK);
  assert.equal(second.closed, true);
  assert.deepEqual(rig.open, idle);
});

test('the first try fails while the second is under way: the second is waited for, whatever kind of failure it was', async () => {
  for (const failure of ['status', 'reset'] as const) {
    const { rig, client, first, second } = await hedged();
    if (failure === 'status') first.send(unavailable);
    else first.breakOff();
    await rig.settle();
    assert.equal(client.peer.text, '');
    second.send(OK);
    assert.equal(client.peer.text, OK, failure);
    assert.deepEqual(rig.open, idle);
  }
});

test('the second try fails: the first goes on as if nothing had been', async () => {
  const { rig, client, first, second } = await hedged();
  second.breakOff();
  await rig.settle();
  first.send(OK);
  assert.equal(client.peer.text, OK);
  assert.deepEqual(rig.open, idle);
});

test('a client that leaves takes both with it', async () => {
  const { rig, client, first, second } = await hedged();
  client.peer.breakOff();
  await rig.settle();
  assert.deepEqual([first.closed, second.closed], [true, true]);
  assert.deepEqual(rig.open, idle);
});

test('a connection that is still being opened is a slow try too', async () => {
  const rig = new ExchangeRig(hedging);
  const client = rig.client();
  client.peer.send(GET);
  await rig.advance(110);
  assert.equal(rig.host.dials.length, 2);
  const second = rig.host.dials[1]!.open();
  await rig.settle();
  second.send(OK);
  assert.equal(client.peer.text, OK);
  assert.deepEqual(rig.open, idle);
});

test('a POST is not sent twice, nor a request without anybody else to ask, nor one beyond the budget', async () => {
  const cases = [
    { options: hedging, request: post('x') },
    { options: { ...hedging, endpoints: 1 }, request: GET },
    {
      options: { ...hedging, settings: { retryBudget: { ratio: 0, minPerSecond: 0, ttlMs: 1000 } } },
      request: GET,
    },
  ];
  for (const { options, request } of cases) {
    const rig = new ExchangeRig(options);
    const client = rig.client();
    client.peer.send(request);
    const first = await rig.upstream();
    await rig.advance(500);
    assert.equal(rig.host.dials.length, 0);
    first.send(OK);
    assert.equal(client.peer.text, OK);
  }
});
