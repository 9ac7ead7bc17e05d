// Lists that come as the first events of a watch, where the server offers that.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../time/index.ts';
import { ListStreams, Reflector, Turns, TYPES } from './index.ts';
import { FakeApi, type SeenCall } from './testing/fake-api.ts';
import { until } from './testing/until.ts';

const pods = '/api/v1/pods';

function pod(name: string) {
  return { metadata: { name, namespace: 'shop' } };
}

async function setUp(context: TestContext, prepare: (api: FakeApi) => void) {
  const api = new FakeApi();
  await api.start();
  for (const name of ['a', 'b', 'c']) api.put(TYPES.pod, pod(name));
  prepare(api);
  const client = api.client();
  const stop = new AbortController();
  const log: string[] = [];
  const listStreams = new ListStreams(client);
  const reflector = new Reflector({
    ...{ client, clock: systemClock, type: TYPES.pod, listStreams, turns: new Turns(1) },
    backoff: { firstMs: 2, longestMs: 20 },
    put: (_object, key) => void log.push(`+${key}`),
    gone: key => void log.push(`-${key}`),
  });
  const done = reflector.run(stop.signal);
  context.after(async () => {
    stop.abort();
    await done;
    await api.stop();
  });
  const watching = (): Promise<void> =>
    until('a watch', () => reflector.state.phase === 'watching' && api.watches('Pod') === 1);
  return { api, reflector, log, watching, listStreams };
}

const isStream = ({ query }: SeenCall): boolean => query.get('sendInitialEvents') === 'true';

test('everything comes with one request, which then goes on as the watch', async context => {
  const { api, reflector, log, watching } = await setUp(context, each => {
    each.minor = '34+';
  });
  await watching();
  assert.ok(reflector.synced);
  assert.deepEqual([api.count('GET', pods), api.count('GET', pods, true)], [0, 1]);
  const [call] = api.calls.filter(isStream);
  assert.equal(call!.query.get('resourceVersionMatch'), 'NotOlderThan');
  assert.equal(call!.query.get('resourceVersion'), null);
  api.put(TYPES.pod, pod('d'));
  api.remove(TYPES.pod, 'shop', 'a');
  await until('the changes', () => log.length === 5);
  assert.deepEqual(log, ['+shop/a', '+shop/b', '+shop/c', '+shop/d', '-shop/a']);
  assert.deepEqual([...reflector.keys].sort(), ['shop/b', 'shop/c', 'shop/d']);
});

test('after the server has forgotten where the watch was, the difference alone is told', async context => {
  const { api, log, watching } = await setUp(context, each => {
    each.minor = '34';
  });
  await watching();
  log.length = 0;
  api.breakWatches('Pod');
  api.remove(TYPES.pod, 'shop', 'b');
  api.put(TYPES.pod, pod('e'));
  api.compact();
  await until('everything again', () => log.includes('-shop/b'));
  await watching();
  assert.deepEqual(log, ['+shop/a', '+shop/c', '+shop/e', '-shop/b']);
  assert.equal(api.count('GET', pods), 0);
});

test('a server where that is switched off is asked once, and an older one never', async context => {
  const off = await setUp(context, api => {
    api.minor = '33';
    api.streamsLists = false;
  });
  await off.watching();
  assert.equal(off.api.calls.filter(isStream).length, 1);
  assert.equal(off.api.count('GET', pods), 1);
  assert.equal(await off.listStreams.offered(), false);
  const old = await setUp(context, api => {
    api.minor = '31';
  });
  await old.watching();
  assert.equal(old.api.calls.filter(isStream).length, 0);
  assert.equal(old.api.count('GET', pods), 1);
});

test('a stream that breaks off twice before all has come is followed by pages', async context => {
  const { api, log, watching } = await setUp(context, each => {
    each.minor = '34';
    const half = JSON.stringify({ type: 'ADDED', object: pod('a') });
    each.fault = call => (isStream(call) ? { text: `${half}\n` } : undefined);
  });
  await watching();
  assert.equal(api.calls.filter(isStream).length, 2);
  assert.equal(api.count('GET', pods), 1);
  assert.deepEqual(new Set(log), new Set(['+shop/a', '+shop/b', '+shop/c']));
});

test('who is sent away comes again and streams, and nobody takes part of the pods for all', async context => {
  let away = 3;
  const { api, reflector, watching } = await setUp(context, each => {
    each.minor = '34';
    each.fault = call =>
      isStream(call) && away-- > 0 ? { status: 429, reason: 'TooManyRequests' } : undefined;
  });
  await watching();
  assert.equal(api.calls.filter(isStream).length, 4);
  assert.equal(api.count('GET', pods), 0);
  assert.equal(reflector.keys.size, 3);
});

test('while a version cannot be had, lists are read page by page', async context => {
  const { api, watching, listStreams } = await setUp(context, each => {
    each.minor = '34';
    each.fault = ({ path }) => (path === '/version' ? { status: 503 } : undefined);
  });
  await watching();
  assert.equal(api.count('GET', pods), 1);
  api.fault = () => undefined;
  assert.equal(await listStreams.offered(), true, 'asked again');
});
