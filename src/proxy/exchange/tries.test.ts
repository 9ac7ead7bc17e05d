import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TryRecord } from '../observation/try-record.ts';
import { ExchangeRig, GET, OK, type RigOptions } from '../testing/exchange-rig.ts';

const unavailable = 'HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n';

/** A rig whose tries are written down: why there, how each ended, and of which status or flag. */
function told(options: RigOptions): { rig: ExchangeRig; tries: TryRecord[]; seen: () => string[] } {
  const rig = new ExchangeRig(options);
  const tries: TryRecord[] = [];
  rig.services.observers.add({ onRequestEnd: request => void tries.push(...request.tries) });
  const seen = (): string[] =>
    tries.map(({ why, end, status, flag }) =>
      [why, end, status || '', flag].filter(part => part !== '').join(' '),
    );
  return { rig, tries, seen };
}

test('tries tell what happened: an answer that is not taken, and the one that is', async () => {
  const { rig, tries, seen } = told({ endpoints: 2 });
  const client = rig.client();
  client.peer.send(GET);
  (await rig.upstream()).send(unavailable);
  await rig.advance(1000);
  (await rig.upstream()).send(OK);
  assert.equal(client.peer.text, OK);
  assert.deepEqual(seen(), ['balanced not-taken 503', 'balanced taken 200']);
  assert.notEqual(tries[0]!.endpoint, tries[1]!.endpoint);
  assert.deepEqual(new Set(tries.map(({ cluster }) => cluster)), new Set([rig.cluster.config.name]));
});

test('why a try failed is told in words, with how long it took', async () => {
  const { rig, tries, seen } = told({
    endpoints: 3,
    retry: { perTryTimeoutMs: 50, attempts: 2, backoffBaseMs: 1 },
  });
  const client = rig.client();
  client.peer.send(GET);
  rig.host.dials[0]!.fail('UF', 'refused');
  await rig.advance(10);
  await rig.upstream();
  await rig.advance(60);
  (await rig.upstream()).breakOff();
  await rig.settle();
  assert.deepEqual(seen(), ['balanced no-connection UF', 'balanced no-answer', 'balanced broken UR']);
  assert.match(tries[0]!.detail, /refused/);
  assert.ok(tries[1]!.durationMs >= 50 && tries[1]!.durationMs < 100, `${tries[1]!.durationMs} ms`);
});

test('no further try begins when the first began longer ago than its policy lets', async () => {
  for (const [afterMs, expected] of [
    [20, 2],
    [80, 1],
  ] as const) {
    const { rig, seen } = told({ endpoints: 2, retry: { attempts: 3, withinMs: 50, backoffBaseMs: 1 } });
    const client = rig.client();
    client.peer.send(GET);
    const first = await rig.upstream();
    await rig.advance(afterMs);
    first.send(unavailable);
    await rig.advance(25);
    if (expected === 2) (await rig.upstream()).send(OK);
    assert.match(client.peer.text, expected === 2 ? /^HTTP\/1\.1 200/ : /^HTTP\/1\.1 503/);
    assert.equal(seen().length, expected, seen().join(', '));
  }
});

test('a client that leaves gives its try up', async () => {
  const { rig, seen } = told({});
  const client = rig.client();
  client.peer.send(GET);
  await rig.upstream();
  client.peer.breakOff();
  await rig.settle();
  assert.deepEqual(seen(), ['balanced given-up']);
});

test('of two tries beside each other one is taken and one overtaken', async () => {
  const cases = [
    ['balanced taken 200', 'hedge overtaken'],
    ['balanced overtaken', 'hedge taken 200'],
  ];
  for (const [quicker, expected] of cases.entries()) {
    const { rig, seen } = told({ endpoints: 2, retry: { hedgeAfterMs: 100 } });
    const client = rig.client();
    client.peer.send(GET);
    const first = await rig.upstream();
    await rig.advance(110);
    const second = await rig.upstream();
    [first, second][quicker]!.send(OK);
    assert.equal(client.peer.text, OK);
    assert.deepEqual(seen(), expected);
  }
});
