import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { CertificateAuthority, secretOfAuthority } from '../ca/index.ts';
import { TYPES } from '../kubernetes/index.ts';
import { FakeApi } from '../kubernetes/testing/fake-api.ts';
import { until } from '../kubernetes/testing/until.ts';
import { silentLog } from '../telemetry/index.ts';
import { systemClock } from '../time/index.ts';
import { AuthorityStore, readBundle, TRUST_KEY, TrustDistributor } from './index.ts';
import { nextBundle } from './trust-bundle.ts';

const system = 'weft-system';
const secretName = 'weft-ca';
const newRoot = () => CertificateAuthority.createRoot({ trustDomain: 'cluster.local', clock: systemClock });

async function setUp(context: TestContext) {
  const api = new FakeApi();
  await api.start();
  const stop = new AbortController();
  context.after(async () => {
    stop.abort();
    await api.stop();
  });
  const store = (more: object = {}) =>
    new AuthorityStore({
      client: api.client(),
      clock: systemClock,
      log: silentLog,
      namespace: system,
      secret: secretName,
      ownSecret: 'cacerts',
      trustDomain: 'cluster.local',
      live: { announceMs: 20 },
      retryMs: 20,
      ...more,
    });
  return { api, store, signal: stop.signal };
}

function secretOf(authority: CertificateAuthority) {
  return { metadata: { name: secretName, namespace: system }, data: secretOfAuthority(authority.parts) };
}

test('of several replicas that start at once one makes the authority and all use it', async context => {
  const { api, store, signal } = await setUp(context);
  const all = await Promise.all([1, 2, 3, 4].map(() => store().open(signal)));
  assert.equal(new Set(all.map(live => live!.roots.join(''))).size, 1);
  assert.ok(api.read(TYPES.secret, system, secretName));
});

test('an intermediate or another root in the Secret is taken up while running', async context => {
  const { api, store, signal } = await setUp(context);
  const first = newRoot();
  api.put(TYPES.secret, secretOf(first));
  const live = await store().open(signal);
  assert.deepEqual(live!.roots, first.roots);
  const next = newRoot();
  await until('the watches', () => api.watches('Secret') === 2);
  api.put(TYPES.secret, secretOf(next));
  await until('the new one', () => live!.current.roots[0] === next.roots[0]);
  assert.ok(live!.roots.includes(first.roots[0]!));
});

test('a Secret with rubbish is a problem and changes nothing', async context => {
  const { api, store, signal } = await setUp(context);
  const first = newRoot();
  api.put(TYPES.secret, secretOf(first));
  const opened = store();
  const live = await opened.open(signal);
  await until('the watches', () => api.watches('Secret') === 2);
  api.put(TYPES.secret, { ...secretOf(first), data: { 'ca-key.pem': 'eA==' } });
  await until('the problem', () => opened.problems().length > 0);
  assert.match(opened.problems()[0]!.message, /ca-cert\.pem is missing/);
  assert.deepEqual(live!.current.roots, first.roots);
});

test('a Secret that is deleted comes back as it was', async context => {
  const { api, store, signal } = await setUp(context);
  const live = await store().open(signal);
  await until('the watches', () => api.watches('Secret') === 2);
  api.remove(TYPES.secret, system, secretName);
  await until('the Secret', () => api.read(TYPES.secret, system, secretName) !== undefined);
  const again = await store().open(signal);
  assert.deepEqual(again!.roots, live!.roots);
});

test('an authority of somebody else is used where it exists, at the start and when it comes later', async context => {
  const { api, store, signal } = await setUp(context);
  const [ours, first, second] = [newRoot(), newRoot(), newRoot()];
  api.put(TYPES.secret, secretOf(ours));
  const opened = store();
  const live = await opened.open(signal);
  await until('the watches', () => api.watches('Secret') === 2);
  api.put(TYPES.secret, { ...secretOf(first), metadata: { name: 'cacerts', namespace: system } });
  await until('it is used', () => live!.current.roots[0] === first.roots[0]);
  api.put(TYPES.secret, secretOf(second));
  const other = await store().open(signal);
  assert.deepEqual(other!.current.roots, first.roots);
  assert.deepEqual(live!.current.roots, first.roots);
  api.remove(TYPES.secret, system, 'cacerts');
  await until('the problem', () => opened.problems().length > 0);
  assert.match(
    opened.problems()[0]!.message,
    /weft-system\/cacerts .* was deleted; what it held stays in use/,
  );
  assert.deepEqual(live!.current.roots, first.roots);
});

test('without permission, or with a Secret that is unusable, it waits and says why', async context => {
  const { api, store, signal } = await setUp(context);
  api.fault = () => ({ status: 403, reason: 'Forbidden', message: 'secrets is forbidden' });
  const opened = store();
  const opening = opened.open(signal);
  await until('the problem', () => opened.problems().length > 0);
  assert.match(
    opened.problems()[0]!.message,
    /cacerts .*secrets is forbidden; allow get of this Secret in the Role of weft-injector/,
  );
  api.fault = () => undefined;
  api.put(TYPES.secret, { ...secretOf(newRoot()), data: {} });
  await until('another problem', () => /tls\.key is missing/.test(opened.problems()[0]!.message));
  api.put(TYPES.secret, secretOf(newRoot()));
  assert.ok(await opening);
  assert.deepEqual(opened.problems(), []);
});

function distributorOf(api: FakeApi, roots: () => readonly string[], namespaces: () => string[]) {
  return new TrustDistributor({
    client: api.client(),
    clock: systemClock,
    systemNamespace: system,
    ignoredNamespaces: ['kube-system'],
    namespaces,
    roots,
    keepRetiredMs: 60_000,
    backoff: { firstMs: 5, longestMs: 50 },
  });
}

const dataOf = (api: FakeApi, namespace: string) =>
  (api.read(TYPES.configMap, namespace, 'weft-trust')?.data as Record<string, string> | undefined)?.[
    TRUST_KEY
  ];

test('every namespace but the ignored ones gets the roots, new ones at once, and what is changed or deleted comes back', async context => {
  const { api, signal } = await setUp(context);
  const root = newRoot().roots[0]!;
  const names = [system, 'shop', 'kube-system'];
  const distributor = distributorOf(
    api,
    () => [root],
    () => names,
  );
  void distributor.lead(signal);
  await until('the first two', () => dataOf(api, 'shop') === root && dataOf(api, system) === root);
  names.push('later');
  distributor.changed();
  await until('the new one', () => dataOf(api, 'later') === root);
  await until('the watch', () => api.watches('ConfigMap') === 1);
  api.put(TYPES.configMap, {
    metadata: { name: 'weft-trust', namespace: 'shop' },
    data: { [TRUST_KEY]: 'evil', other: 'x' },
  });
  api.remove(TYPES.configMap, 'later', 'weft-trust');
  await until('both right again', () => dataOf(api, 'shop') === root && dataOf(api, 'later') === root);
  assert.equal(dataOf(api, 'kube-system'), undefined);
  assert.deepEqual(distributor.problems(), []);
});

test('a namespace that refuses does not hold up the others, and the problem names it', async context => {
  const { api, signal } = await setUp(context);
  const root = newRoot().roots[0]!;
  const names = [system, 'closed', 'going', 'open'];
  api.fault = call => {
    if (call.method !== 'POST') return undefined;
    if (call.path.includes('/closed/'))
      return { status: 403, message: 'forbidden: no, in the namespace "closed"' };
    if (call.path.includes('/going/')) return { status: 403, message: 'it is being terminated' };
    return undefined;
  };
  const distributor = distributorOf(
    api,
    () => [root],
    () => names,
  );
  void distributor.lead(signal);
  await until('the open one', () => dataOf(api, 'open') === root);
  await until('the problem', () => distributor.problems().length > 0);
  assert.match(distributor.problems()[0]!.message, /in 1 namespaces \(closed\)/);
  api.fault = () => undefined;
  await until('all well', () => dataOf(api, 'closed') === root && distributor.problems().length === 0);
});

test('a root that is no longer used stays in the bundle for its time, remembered across leaders', () => {
  const [old, own] = [newRoot().roots[0]!, newRoot().roots[0]!];
  const first = nextBundle({ roots: [old], retiredAtMs: {} }, [own], 1_000, 500);
  assert.deepEqual(first.roots, [own, old]);
  assert.deepEqual(Object.values(first.retiredAtMs), [1_000]);
  const second = nextBundle(first, [own], 1_400, 500);
  assert.deepEqual(second, first);
  assert.deepEqual(nextBundle(second, [own], 1_500, 500), { roots: [own], retiredAtMs: {} });
  const back = nextBundle(second, [old], 1_400, 500);
  assert.deepEqual(back.roots, [old, own], 'a rotation that is taken back');
  const text = {
    data: { [TRUST_KEY]: `${own}# words\n${old}` },
    metadata: { annotations: { 'weft.dev/retired-roots': '{' } },
  };
  assert.deepEqual(readBundle(text), { roots: [own, old], retiredAtMs: {} });
  assert.deepEqual(readBundle(undefined).roots, []);
});
