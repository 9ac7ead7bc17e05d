import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type ResourceType, TYPES } from '../kubernetes/index.ts';
import { FakeApi } from '../kubernetes/testing/fake-api.ts';
import { until } from '../kubernetes/testing/until.ts';
import { fieldAt } from '../plain/index.ts';
import { systemClock } from '../time/index.ts';
import { deployedTypes } from './deployed-objects.ts';
import { GatewayDeployer, type WantedGateway, type WantedObject } from './index.ts';

const types = deployedTypes(34);
const typeOf = (kind: string): ResourceType => types.find(each => each.kind === kind)!;

function object(kind: string, spec: object, uid = 'u1', name = 'edge-weft'): WantedObject {
  const apiVersion = kind === 'Service' ? 'v1' : 'apps/v1';
  const labels = { 'app.kubernetes.io/part-of': 'weft' };
  const ownerReferences = [{ apiVersion: 'g/v1', kind: 'Gateway', name: 'edge', uid, controller: true }];
  return { apiVersion, kind, metadata: { namespace: 'shop', name, labels, ownerReferences }, spec };
}

function edge(...objects: readonly WantedObject[]): WantedGateway {
  return { gateway: 'shop/edge', uid: 'u1', objects };
}

async function setUp(context: TestContext, prepare: (api: FakeApi) => void = () => {}) {
  const api = new FakeApi(types);
  await api.start();
  prepare(api);
  const stop = new AbortController();
  const wanted: WantedGateway[] = [];
  const deployer = new GatewayDeployer({
    ...{ client: api.client(), clock: systemClock, namespaces: ['shop'], minor: 34 },
    wanted: () => wanted,
    debounceMs: 2,
    backoff: { firstMs: 2, longestMs: 20 },
  });
  const leading = deployer.lead(stop.signal);
  context.after(async () => {
    stop.abort();
    await leading;
    await api.stop();
  });
  const set = (...next: WantedGateway[]): void => {
    wanted.splice(0, wanted.length, ...next);
    deployer.changed();
  };
  const spec = (kind: string): unknown => fieldAt(api.read(typeOf(kind), 'shop', 'edge-weft'), 'spec');
  const patches = (): number => api.calls.filter(each => each.method === 'PATCH').length;
  return { api, deployer, set, spec, patches };
}

test('what a Gateway is to have is made, changed with it, and taken away when it is to have it no longer', async context => {
  const { api, set, spec, patches } = await setUp(context);
  set(edge(object('Deployment', { replicas: 2 }), object('Service', { ports: [80] })));
  await until('both are there', () => spec('Deployment') !== undefined && spec('Service') !== undefined);
  set(edge(object('Deployment', { replicas: 2 }), object('Service', { ports: [81] })));
  await until('the Service is the new one', () => JSON.stringify(spec('Service')) === '{"ports":[81]}');
  assert.equal(patches(), 3, 'what has not changed is not written');
  set(edge(object('Deployment', { replicas: 2 })));
  await until('there is no Service', () => api.read(TYPES.service, 'shop', 'edge-weft') === undefined);
  assert.notEqual(spec('Deployment'), undefined);
});

test('what somebody changes or deletes is put right', async context => {
  const { api, set, spec } = await setUp(context);
  set(edge(object('Deployment', { replicas: 2 })));
  await until('it is there', () => spec('Deployment') !== undefined);
  const there = api.read(typeOf('Deployment'), 'shop', 'edge-weft')!;
  const metadata = { ...(there.metadata as { name: string }), generation: 7 };
  api.put(typeOf('Deployment'), { ...there, metadata, spec: { replicas: 9 } });
  await until('it is as it was', () => JSON.stringify(spec('Deployment')) === '{"replicas":2}');
  api.remove(typeOf('Deployment'), 'shop', 'edge-weft');
  await until('it is back', () => spec('Deployment') !== undefined);
});

test('a Deployment of somebody else is left alone, and nothing is made beside it', async context => {
  const own = { metadata: { namespace: 'shop', name: 'edge-weft' }, spec: { replicas: 5 } };
  const { api, deployer, set, spec, patches } = await setUp(context, fake => {
    fake.put(typeOf('Deployment'), own);
  });
  const other = { gateway: 'shop/other', uid: 'u2', objects: [object('Service', {}, 'u2', 'other-weft')] };
  set(edge(object('Deployment', { replicas: 2 }), object('Service', { ports: [80] })), other);
  await until('the other one is made', () => api.read(TYPES.service, 'shop', 'other-weft') !== undefined);
  assert.deepEqual(spec('Deployment'), { replicas: 5 });
  assert.equal(spec('Service'), undefined);
  assert.equal(patches(), 1);
  assert.deepEqual(deployer.problems(), []);
});

test('a Service of somebody else is left alone and named, and the rest is made', async context => {
  const { deployer, set, spec } = await setUp(context, fake => {
    fake.put(TYPES.service, { metadata: { namespace: 'shop', name: 'edge-weft' }, spec: { mine: true } });
  });
  set(edge(object('Deployment', { replicas: 2 }), object('Service', { ports: [80] })));
  await until('it is named', () => deployer.problems().length === 1);
  assert.match(deployer.problems()[0]!.message, /^gateway shop\/edge: Service shop\/edge-weft is not of the/);
  await until('the rest is made', () => spec('Deployment') !== undefined);
  assert.deepEqual(spec('Service'), { mine: true });
});

test('of what cannot be made as it stands, what is there stays', async context => {
  const { set, spec, patches } = await setUp(context);
  set(edge(object('Deployment', { replicas: 2 })));
  await until('it is there', () => spec('Deployment') !== undefined);
  const other = { gateway: 'shop/other', uid: 'u2', objects: [object('Service', {}, 'u2', 'other-weft')] };
  set({ gateway: 'shop/edge', uid: 'u1' }, other);
  await until('the other one is made', () => patches() === 2);
  assert.notEqual(spec('Deployment'), undefined);
});
