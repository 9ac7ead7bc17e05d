import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { ResourceType } from '../kubernetes/index.ts';
import { FakeApi } from '../kubernetes/testing/fake-api.ts';
import { until } from '../kubernetes/testing/until.ts';
import { systemClock } from '../time/index.ts';
import { type StatusWish, StatusWriter } from './index.ts';

const routes: ResourceType = {
  group: 'gateway.networking.k8s.io',
  version: 'v1',
  kind: 'HTTPRoute',
  plural: 'httproutes',
  namespaced: true,
};
const root = '/apis/gateway.networking.k8s.io/v1';
const pathOf = (name: string) => `${root}/namespaces/shop/httproutes/${name}/status`;

/** Wishes that the status be `{said}`. */
const wish = (name: string, said: string): StatusWish => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  namespace: 'shop',
  name,
  content: said,
  patch: current => ((current.status as { said?: string } | undefined)?.said === said ? undefined : { said }),
});

async function setUp(context: TestContext, prepare: (api: FakeApi) => void = () => {}) {
  const api = new FakeApi([routes]);
  await api.start();
  for (const name of ['a', 'b'])
    api.put(routes, { metadata: { name, namespace: 'shop' }, spec: { of: name }, status: { theirs: 1 } });
  prepare(api);
  const stop = new AbortController();
  context.after(async () => {
    stop.abort();
    await api.stop();
  });
  const wishes: StatusWish[] = [];
  const writer = new StatusWriter({
    client: api.client(),
    clock: systemClock,
    wishes: () => wishes,
    debounceMs: 5,
    backoff: { firstMs: 5, longestMs: 20 },
  });
  const set = (...next: StatusWish[]): void => {
    wishes.splice(0, wishes.length, ...next);
    writer.changed();
  };
  const lead = (signal = stop.signal) => writer.lead(signal);
  const said = (name: string) => (api.read(routes, 'shop', name)!.status as { said?: string }).said;
  const patches = () => api.calls.filter(each => each.method === 'PATCH').length;
  return { api, writer, set, lead, said, patches };
}

test('statuses are written through the subresource, and the rest of the object stays', async context => {
  const { api, set, lead, said } = await setUp(context);
  set(wish('a', 'good'), wish('b', 'bad'));
  void lead();
  await until('both', () => said('a') === 'good' && said('b') === 'bad');
  const { spec, status } = api.read(routes, 'shop', 'a')!;
  assert.deepEqual([spec, status], [{ of: 'a' }, { theirs: 1, said: 'good' }]);
});

test('only differences are written, and what is known to be written is not even looked at', async context => {
  const { api, set, lead, said, patches } = await setUp(context, fake =>
    fake.put(routes, { metadata: { name: 'b', namespace: 'shop' }, status: { said: 'bad' } }),
  );
  set(wish('a', 'good'), wish('b', 'bad'));
  void lead();
  await until('a', () => said('a') === 'good');
  assert.equal(patches(), 1);
  set(wish('a', 'better'), wish('b', 'bad'));
  await until('a again', () => said('a') === 'better');
  assert.deepEqual([patches(), api.count('GET', pathOf('b'))], [2, 1]);
});

test('whoever does not lead writes nothing, and a new leader looks at everything', async context => {
  const { api, set, lead, said } = await setUp(context);
  const first = new AbortController();
  set(wish('a', 'good'));
  const leading = lead(first.signal);
  await until('a', () => said('a') === 'good');
  first.abort();
  await leading;
  api.put(routes, { metadata: { name: 'a', namespace: 'shop' }, status: { said: 'overwritten' } });
  set(wish('a', 'good'));
  assert.equal(said('a'), 'overwritten');
  void lead();
  await until('a again', () => said('a') === 'good');
});

test('whoever was faster is not overwritten, and failures are tried again', async context => {
  const { api, set, lead, said, patches } = await setUp(context);
  let failures = 3;
  api.fault = ({ method }) => {
    if (method !== 'PATCH' || failures === 0) return undefined;
    failures--;
    if (failures === 1)
      api.put(routes, { metadata: { name: 'a', namespace: 'shop' }, status: { said: 'somebody else' } });
    return failures === 2 ? { status: 500 } : failures === 1 ? undefined : 'break';
  };
  set(wish('a', 'good'));
  void lead();
  await until('a', () => said('a') === 'good');
  assert.ok(patches() >= 3);
});

test('a missing permission is one problem with its remedy, and nobody is asked again and again', async context => {
  const { api, writer, set, lead } = await setUp(context, fake => {
    fake.fault = ({ path }) =>
      path.endsWith('/status')
        ? { status: 403, reason: 'Forbidden', message: 'httproutes is forbidden' }
        : undefined;
  });
  set(wish('a', 'good'), wish('b', 'bad'));
  void lead();
  await until('the problem', () => writer.problems().length === 1);
  assert.match(
    writer.problems()[0]!.message,
    /^not allowed to write the status of httproutes\.gateway.*resources: \["httproutes\/status"\], verbs: \["get", "patch"\]/,
  );
  await until('quiet', () => api.idle);
  const calls = api.calls.length;
  const [known] = writer.problems();
  set(wish('a', 'better'), wish('b', 'worse'));
  await new Promise(resolve => setTimeout(resolve, 50));
  assert.equal(api.calls.length, calls);
  assert.equal(writer.problems()[0], known);
});

test('a kind without a status subresource is one problem', async context => {
  const { api, writer, set, lead } = await setUp(context, fake => fake.withoutStatus.add('HTTPRoute'));
  set(wish('a', 'good'), wish('b', 'bad'));
  void lead();
  await until('the problem', () => writer.problems().length === 1);
  assert.match(writer.problems()[0]!.message, /httproutes\.gateway.* has no status subresource in v1/);
  assert.equal(api.count('GET', pathOf('a')), 0);
  set();
  await until('nobody has such objects any more', () => writer.problems().length === 0);
});

test('an object that is gone is no trouble', async context => {
  const { api, writer, set, lead } = await setUp(context);
  set(wish('gone', 'good'));
  void lead();
  await until('the look', () => api.count('GET', pathOf('gone')) === 1);
  await until('quiet', () => api.idle);
  set(wish('gone', 'good'));
  await new Promise(resolve => setTimeout(resolve, 50));
  assert.equal(api.count('GET', pathOf('gone')), 1);
  assert.deepEqual(writer.problems(), []);
});
