import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onInternalError } from '../../errors/index.ts';
import { ExchangeRig, GET, OK, post, tell } from '../testing/exchange-rig.ts';
import { forward, RouteRig } from '../testing/route-rig.ts';
import type { ObservedRefusal, ObservedRequest } from './observer.interface.ts';

const from = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  namespace: 'shop',
  name: 'a',
  origin: 'shop.yaml:3',
};
const seen = Buffer.from('x-seen');

/** Lets a rig's requests be written down as they are at their end. */
function watched(
  rig: ExchangeRig,
): Pick<ObservedRequest, 'id' | 'status' | 'flag' | 'verdicts' | 'route' | 'attempts'>[] {
  const ends: Pick<ObservedRequest, 'id' | 'status' | 'flag' | 'verdicts' | 'route' | 'attempts'>[] = [];
  rig.services.observers.add({
    onRequestEnd: ({ id, status, flag, verdicts, route, attempts }) =>
      void ends.push({ id, status, flag, verdicts, route, attempts }),
  });
  return ends;
}

const idIn = (answer: string): string => /\r\nx-request-id: ([^\r]+)\r\n/.exec(answer)?.[1] ?? '';

test('an observer sees a request go on, its answer, and its end', async () => {
  const rig = new ExchangeRig();
  const told: string[] = [];
  rig.services.observers.add({
    onForward: ({ head, cluster, status }) => {
      head.add(seen, Buffer.from('yes'));
      told.push(`to ${cluster?.config.name} ${status}`);
    },
    onAnswer: ({ endpoint }, head) => void told.push(`${head.status} of ${endpoint?.key}`),
    onRequestEnd: ({ status, flag, sentBytes, answeredMs, startMs, endMs }) =>
      void told.push(`${status}${flag} ${sentBytes} ${answeredMs - startMs} ${endMs - startMs}`),
  });
  const client = rig.client();
  client.peer.send(GET);
  const upstream = await rig.upstream();
  assert.match(upstream.text, /\r\nx-seen: yes\r\n/);
  await rig.advance(30);
  upstream.send(OK.slice(0, -1));
  await rig.advance(20);
  upstream.send('k');
  assert.deepEqual(told, ['to a:80 0', '200 of 10.0.0.1:80', '200 2 30 50']);
});

test('once nobody watches, nothing is told any more', async () => {
  const rig = new ExchangeRig();
  let ends = 0;
  const { observers } = rig.services;
  const stop = observers.add({ onRequestEnd: () => void ends++ });
  const client = rig.client();
  client.peer.send(GET);
  (await rig.upstream()).send(OK);
  stop();
  client.peer.send(GET);
  await rig.settle();
  assert.deepEqual([ends, observers.watching], [1, false]);
});

test('what an observer throws is counted, and neither the request nor the other observers notice', async t => {
  const told: string[] = [];
  onInternalError(({ where }) => told.push(where));
  t.after(() => onInternalError(undefined));
  const rig = new ExchangeRig();
  rig.services.observers.add({
    onForward: () => assert.fail('boom'),
    onRequestEnd: () => assert.fail('boom'),
  });
  const ends = watched(rig);
  const client = rig.client();
  client.peer.send(GET);
  (await rig.upstream()).send(OK);
  assert.equal(client.peer.text, OK);
  assert.deepEqual([told, ends.length], [['observer', 'observer'], 1]);
});

test('which filters a request met is told, which of them answered, and the object that it did so for', async () => {
  const rateLimits = [
    {
      from: { ...from, kind: 'RateLimit' },
      bucket: { maxTokens: 1, perFill: 1, fillIntervalMs: 60_000 },
      matches: [],
      status: 429,
      enabledPercent: 100,
      enforcedPercent: 100,
    },
  ];
  const rig = new RouteRig([{ from, rateLimits, fault: { abort: { status: 555, percent: 100 } } }]);
  const ends = watched(rig);
  await rig.send(GET);
  await rig.send(GET);
  assert.deepEqual(
    ends.map(({ status, verdicts }) => [
      status,
      ...verdicts.map(each => `${each.filter} ${each.verdict} ${each.from?.kind}`),
    ]),
    [
      [555, 'rate-limits passed undefined', 'fault-abort answered VirtualService'],
      [429, 'rate-limits answered RateLimit'],
    ],
  );
  assert.equal(ends[0]!.route?.from?.origin, 'shop.yaml:3');
});

test('a client that leaves while a filter holds its request: the filter had not decided', async () => {
  const rig = new RouteRig([{ fault: { delay: { ms: 1000, percent: 100 } } }]);
  const ends = watched(rig);
  const client = rig.client();
  client.peer.send(GET);
  client.peer.breakOff();
  await rig.settle();
  assert.deepEqual(ends[0]!.verdicts, [{ filter: 'fault-delay', verdict: 'waited' }]);
});

test('answers of its own name the request, by the id that the client gave or one that is made for it', async () => {
  const rig = new RouteRig([
    { action: forward(['a:80'], {}), fault: { abort: { status: 500, percent: 100 } } },
  ]);
  const ends = watched(rig);
  const given = rig.client();
  given.peer.send('GET / HTTP/1.1\r\nhost: a\r\nx-request-id: mine\r\n\r\n');
  const made = rig.client();
  made.peer.send(GET);
  await rig.settle();
  assert.equal(idIn(given.peer.text), 'mine');
  assert.match(idIn(made.peer.text), /^[0-9a-f]{8}-/);
  assert.deepEqual(
    ends.map(({ id }) => id),
    ['mine', idIn(made.peer.text)],
  );
});

test('a failed answer of an app names its request too, unless it does so itself; any other goes through as it is', async () => {
  const ids: string[] = [];
  const answers = [
    'HTTP/1.1 500 no\r\ncontent-length: 0\r\n\r\n',
    'HTTP/1.1 500 no\r\nx-request-id: its-own\r\ncontent-length: 0\r\n\r\n',
    OK,
  ];
  for (const answer of answers) {
    const rig = new ExchangeRig();
    const client = rig.client();
    client.peer.send('GET / HTTP/1.1\r\nhost: a\r\nx-request-id: mine\r\n\r\n');
    (await rig.upstream()).send(answer);
    ids.push(idIn(client.peer.text));
  }
  assert.deepEqual(ids, ['mine', 'its-own', '']);
});

test('an id of any length is told by its beginning', async () => {
  const rig = new ExchangeRig();
  rig.targets = 'late';
  const ends = watched(rig);
  const client = rig.client();
  client.peer.send(`GET / HTTP/1.1\r\nhost: a\r\nx-request-id: ${'x'.repeat(5000)}\r\n\r\n`);
  tell(rig, undefined);
  assert.deepEqual([ends[0]!.id.length, idIn(client.peer.text).length], [128, 128]);
});

test('what is no request is told as refused, with the id that its answer names', async () => {
  const rig = new ExchangeRig();
  const refusals: ObservedRefusal[] = [];
  rig.services.observers.add({ onRefusal: refusal => void refusals.push(refusal) });
  const client = rig.client();
  client.peer.send('GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n');
  await rig.settle();
  const [{ reason, status, id }] = refusals as [ObservedRefusal];
  assert.deepEqual([refusals.length, reason.split(':')[0], status], [1, 'malformed', 400]);
  assert.equal(id, idIn(client.peer.text));
});

test('a copy that nobody answers is told, and the request is none the worse', async () => {
  const rig = new RouteRig([{ mirrors: [{ cluster: 'b:80', percent: 100 }] }]);
  const mirrors: string[] = [];
  const ends = watched(rig);
  rig.services.observers.add({
    onMirrorFailed: ({ cluster, flag, id }) => void mirrors.push(`${cluster.config.name} ${flag} ${id}`),
  });
  const client = rig.client();
  client.peer.send(post('x').replace('host: a', 'host: a\r\nx-request-id: mine'));
  await rig.settle();
  const copy = rig.host.dials.findIndex(({ endpoint }) => endpoint.address === '10.0.0.2');
  rig.host.dials[copy]!.fail('UF', 'refused');
  (await rig.upstream()).send(OK);
  assert.deepEqual(mirrors, ['b:80 UF mine']);
  assert.deepEqual(
    ends.map(({ status, flag }) => [status, flag]),
    [[200, '']],
  );
});
