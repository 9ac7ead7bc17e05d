import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../time/index.ts';
import { type ApiObject, Reflector, TYPES } from './index.ts';
import { FakeApi, type Fault, type SeenCall } from './testing/fake-api.ts';
import { until } from './testing/until.ts';

const pods = '/api/v1/pods';

function pod(name: string, more: object = {}) {
  return { metadata: { name, namespace: 'shop' }, ...more };
}

interface Seen {
  readonly api: FakeApi;
  readonly reflector: Reflector;
  /** `+key`, `-key` in order. */
  readonly log: string[];
  readonly objects: Map<string, ApiObject>;
}

async function setUp(
  context: TestContext,
  { pageSize = 500, prepare = (_api: FakeApi): void => {} } = {},
): Promise<Seen> {
  const api = new FakeApi();
  await api.start();
  prepare(api);
  const stop = new AbortController();
  const log: string[] = [];
  const objects = new Map<string, ApiObject>();
  const reflector = new Reflector({
    client: api.client(),
    clock: systemClock,
    type: TYPES.pod,
    pageSize,
    backoff: { firstMs: 2, longestMs: 20 },
    put: (object, key) => {
      log.push(`+${key}`);
      objects.set(key, object);
    },
    gone: key => {
      log.push(`-${key}`);
      objects.delete(key);
    },
  });
  const done = reflector.run(stop.signal);
  context.after(async () => {
    stop.abort();
    await done;
    await api.stop();
  });
  return { api, reflector, log, objects };
}

const watching = async ({ api, reflector }: Seen): Promise<void> =>
  until('a watch', () => reflector.state.phase === 'watching' && api.watches('Pod') === 1);

test('a list comes page by page, items get their kind, and changes follow', async context => {
  const seen = await setUp(context, {
    pageSize: 2,
    prepare: api => {
      for (const name of ['a', 'b', 'c', 'd', 'e']) api.put(TYPES.pod, pod(name));
    },
  });
  await watching(seen);
  assert.equal(seen.api.count('GET', pods), 3);
  assert.equal(seen.objects.get('shop/a')!.kind, 'Pod');
  assert.equal(seen.objects.get('shop/a')!.apiVersion, 'v1');
  seen.api.put(TYPES.pod, pod('f'));
  seen.api.put(TYPES.pod, pod('a', { spec: { nodeName: 'n' } }));
  seen.api.remove(TYPES.pod, 'shop', 'b');
  await until('the changes', () => seen.log.length === 8);
  assert.deepEqual(seen.log.slice(5), ['+shop/f', '+shop/a', '-shop/b']);
  assert.deepEqual([...seen.reflector.keys].sort(), ['shop/a', 'shop/c', 'shop/d', 'shop/e', 'shop/f']);
});

test('a watch that ends or breaks goes on where it was, without a new list, and misses nothing', async context => {
  const seen = await setUp(context, { prepare: api => api.put(TYPES.pod, pod('a')) });
  for (const [round, name] of ['b', 'c', 'd', 'e'].entries()) {
    await watching(seen);
    if (round % 2 === 0) seen.api.endWatches();
    else seen.api.breakWatches();
    seen.api.put(TYPES.pod, pod(name));
    await until(name, () => seen.objects.has(`shop/${name}`));
  }
  assert.equal(seen.api.count('GET', pods), 1);
  assert.equal(seen.log.length, 5, 'nothing is told twice');
});

test('a bookmark moves on the place to resume from, so that a compaction costs no list', async context => {
  const seen = await setUp(context, { prepare: api => api.put(TYPES.pod, pod('a')) });
  await watching(seen);
  seen.api.put(TYPES.service, pod('other'));
  seen.api.send('Pod');
  seen.api.compact();
  seen.api.put(TYPES.pod, pod('b'));
  await until('b', () => seen.objects.has('shop/b'));
  seen.api.endWatches();
  await watching(seen);
  assert.equal(seen.api.count('GET', pods), 1);
  const resumed = seen.api.calls.at(-1)!;
  assert.equal(resumed.query.get('allowWatchBookmarks'), 'true');
});

test('a place that the server forgot means a list whose difference alone is told', async context => {
  const seen = await setUp(context, {
    prepare: api => {
      for (const name of ['a', 'b', 'c']) api.put(TYPES.pod, pod(name));
    },
  });
  await watching(seen);
  const before = seen.log.length;
  await seen.api.stop();
  seen.api.remove(TYPES.pod, 'shop', 'b');
  seen.api.put(TYPES.pod, pod('d'));
  seen.api.compact();
  await seen.api.start();
  await until('d', () => seen.objects.has('shop/d'));
  await watching(seen);
  const news = seen.log.slice(before);
  assert.deepEqual(
    news.filter(each => each.startsWith('-')),
    ['-shop/b'],
    'nobody else goes',
  );
  assert.deepEqual([...seen.objects.keys()].sort(), ['shop/a', 'shop/c', 'shop/d']);
});

test('what is known stays while the server is away, and the state says why', async context => {
  const seen = await setUp(context, { prepare: api => api.put(TYPES.pod, pod('a')) });
  await watching(seen);
  assert.equal(seen.reflector.behindSinceMs, undefined);
  await seen.api.stop();
  await until('trouble', () => seen.reflector.state.phase === 'waiting');
  const { state } = seen.reflector;
  assert.equal(state.phase === 'waiting' && state.error.code, 'api-unreachable');
  assert.ok(seen.reflector.behindSinceMs! > 0);
  assert.deepEqual([...seen.objects.keys()], ['shop/a']);
  await seen.api.start();
  await watching(seen);
  assert.equal(seen.reflector.behindSinceMs, undefined);
  assert.deepEqual(seen.log, ['+shop/a']);
});

const between: readonly (readonly [what: string, fault: Fault])[] = [
  ['fails', { status: 500 }],
  ['breaks off', 'break'],
  ['is sent away', { status: 429, retryAfter: 0 }],
];
for (const [what, fault] of between) {
  test(`a list that ${what} between two pages forgets nothing and goes on with the page that is due`, async context => {
    let failures = 0;
    const seen = await setUp(context, {
      pageSize: 1,
      prepare: api => {
        for (const name of ['a', 'b', 'c']) api.put(TYPES.pod, pod(name));
        api.fault = call =>
          call.query.get('continue')?.endsWith('/2') && failures++ < 2 ? fault : undefined;
      },
    });
    await watching(seen);
    assert.deepEqual(seen.log, ['+shop/a', '+shop/b', '+shop/c']);
    assert.equal(seen.api.count('GET', pods), 3 + 2);
  });
}

test('when the pages of a list expire, there are fewer and larger ones, and at last one', async context => {
  const seen = await setUp(context, {
    pageSize: 600,
    prepare: api => {
      for (let number = 0; number < 4_000; number++) api.put(TYPES.pod, pod(`p${number}`));
      api.fault = call => (call.query.has('continue') ? { status: 410, reason: 'Expired' } : undefined);
    },
  });
  await watching(seen);
  assert.equal(seen.objects.size, 4_000);
  const limits = seen.api.calls.flatMap(({ query }) => (query.has('watch') ? [] : [query.get('limit')]));
  assert.deepEqual(limits, ['600', '600', '3000', '3000', null]);
});

test('a watch that is sent away again and again never leads to another list', async context => {
  let away = 0;
  const seen = await setUp(context, {
    prepare: api => {
      api.put(TYPES.pod, pod('a'));
      api.fault = call =>
        call.query.has('watch') && away++ < 8 ? { status: 429, retryAfter: 0 } : undefined;
    },
  });
  await watching(seen);
  assert.equal(away, 9);
  assert.equal(seen.api.count('GET', pods), 1);
});

const nonsense: [string, Fault][] = [
  ['no JSON', { text: 'what?' }],
  ['a page of a proxy', { text: '<html>502</html>' }],
  ['a list without version', { text: '{"items":[]}' }],
  ['items that are none', { text: '{"metadata":{"resourceVersion":"1"},"items":[7]}' }],
  ['a refusal', { status: 403, reason: 'Forbidden' }],
  ['too many requests', { status: 429, retryAfter: 0 }],
  ['a broken connection', 'break'],
];
for (const [what, fault] of nonsense) {
  test(`${what} instead of a list is retried until it is one`, async context => {
    let times = 0;
    const seen = await setUp(context, {
      prepare: api => {
        api.put(TYPES.pod, pod('a'));
        api.fault = () => (times++ < 3 ? fault : undefined);
      },
    });
    await watching(seen);
    assert.deepEqual(seen.log, ['+shop/a']);
  });
}

test('a watch that says nonsense is taken up again from the last good event', async context => {
  const seen = await setUp(context, { prepare: api => api.put(TYPES.pod, pod('a')) });
  for (const text of ['what?\n', '{"type":"ADDED"}\n', '[]\n', '{"type":"ERROR","object":{"code":500}}\n']) {
    await watching(seen);
    const watches = seen.api.count('GET', pods, true);
    seen.api.send('Pod', text);
    await until('another watch', () => seen.api.count('GET', pods, true) > watches);
  }
  seen.api.put(TYPES.pod, pod('b'));
  await until('b', () => seen.objects.has('shop/b'));
  assert.ok(!seen.log.some(each => each.startsWith('-')));
});

test('a watch that is refused at once for a long time is not asked for in a hurry', async context => {
  const gaps: number[] = [];
  let last = 0;
  const seen = await setUp(context, {
    prepare: api => {
      api.fault = (call: SeenCall) => {
        if (!call.query.has('watch')) return undefined;
        gaps.push(performance.now() - last);
        last = performance.now();
        return { text: '' };
      };
    },
  });
  await until('some attempts', () => gaps.length >= 8);
  assert.ok(
    gaps.slice(-2).every(gap => gap >= 8),
    `the waits grow: ${gaps}`,
  );
  assert.equal(seen.reflector.state.phase === 'stopped', false);
});
