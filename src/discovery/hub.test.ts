import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fact } from '../model/index.ts';
import { Hub } from './hub.ts';
import { Interest } from './interest.ts';
import { reviews, reviewsSlice, shopYaml, TestMesh } from './testing/stream-suite.ts';

const shop = { namespace: 'shop', labels: {} };
const quiet = (): void => {};

test('callers of one namespace share a resource, those of another have their own', () => {
  const { hub } = new TestMesh(shopYaml);
  const [one, two] = [
    hub.watchDestination(shop, '10.96.0.5:80', quiet),
    hub.watchDestination(shop, '10.96.0.5:80', quiet),
  ];
  assert.equal(one.value, two.value);
  assert.equal(hub.size, 1);
  const other = hub.watchDestination({ namespace: 'other', labels: {} }, '10.96.0.5:80', quiet);
  assert.equal(hub.size, 2);
  for (const watch of [one, two, other]) watch.close();
  assert.equal(hub.size, 0);
});

test('only who follows what differs is told, once for each change, with when it became known', () => {
  const mesh = new TestMesh(shopYaml);
  const told: string[] = [];
  const endpoints = mesh.hub.watchEndpoints(shop, reviews, changedAtMs =>
    told.push(`endpoints ${changedAtMs}`),
  );
  mesh.hub.watchDestination(shop, '10.96.0.5:80', () => told.push('destination'));
  mesh.hub.watchInbound('shop/front-0', () => told.push('inbound'));
  const before = endpoints.value;
  mesh.put(reviewsSlice('10.244.0.7', '10.244.0.8'), 1);
  assert.equal(endpoints.value, before, 'equal values are the same object');
  mesh.put(reviewsSlice('10.244.0.7'), 2);
  assert.deepEqual(told, ['endpoints 2']);
});

test('proxies are told along with whom to trust where Services have their addresses, and of another block when there is one', () => {
  const mesh = new TestMesh(shopYaml);
  const told: number[] = [];
  const trust = mesh.hub.watchTrust(changedAtMs => told.push(changedAtMs));
  const service = (name: string, address: string): string => `
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: shop}
spec: {clusterIP: ${address}, ports: [{port: 80}]}
`;
  assert.deepEqual(trust.value?.serviceRanges, ['10.96.0.0/24']);
  mesh.put(service('near', '10.96.0.200'), 1);
  mesh.put(reviewsSlice('10.244.0.9'), 2);
  assert.deepEqual(told, [], 'a Service of the same block, or a pod, is no news');
  mesh.put(service('far', '10.96.7.1'), 3);
  assert.deepEqual(told, [3]);
  assert.deepEqual(trust.value?.serviceRanges, ['10.96.0.0/24', '10.96.7.0/24']);
  mesh.hub.setRoots(['root two'], 4);
  assert.deepEqual(trust.value?.serviceRanges?.length, 2);
  mesh.delete('v1', 'Service', 'shop/far');
  assert.deepEqual(trust.value?.serviceRanges, ['10.96.0.0/24']);
});

test('a proxy that takes late gets the latest of each, with the time of the first change', () => {
  const mesh = new TestMesh(shopYaml);
  const interest = new Interest(mesh.hub, { caller: shop, pending: quiet });
  interest.want('10.96.0.5:80');
  while (interest.take());
  for (let change = 1; change <= 50; change++) mesh.put(reviewsSlice(`10.1.0.${change}`), change);
  const delivery = interest.take()!;
  assert.ok(delivery.resource.kind === 'endpoints');
  assert.deepEqual([delivery.resource.endpoints[0]!.address, delivery.changedAtMs], ['10.1.0.50', 1]);
  assert.equal(interest.take(), undefined);
});

test('a resource that cannot be worked out keeps its last value, costs no other theirs, and is tried again', () => {
  const mesh = new TestMesh(shopYaml);
  const failures: string[] = [];
  const hub = new Hub(mesh.hub.mesh, [], (what, why) => failures.push(`${what}: ${why}`));
  const known = hub.watchDestination(shop, '10.96.0.5:80', quiet);
  const before = known.value!;
  const services = Object.assign(new Map(hub.mesh.services), {
    get() {
      throw new Error('nobody thought of this');
    },
  });
  let told = 0;
  hub.watchTrust(() => told++);
  hub.update({ ...hub.mesh, services }, new Set([fact.address('10.96.0.5')]), 1);
  hub.setRoots(['another'], 1);
  assert.equal(told, 1);
  assert.equal(known.value, before);
  const fresh = hub.watchDestination(shop, 'reviews:80', quiet);
  assert.match(fresh.value!.refused!, /cannot work out this destination: nobody thought of this/);
  assert.deepEqual(failures, [
    'destination 10.96.0.5:80 shop,: nobody thought of this',
    'destination reviews:80 shop,: nobody thought of this',
  ]);
  hub.update(mesh.hub.mesh, new Set(), 2);
  assert.deepEqual([fresh.value!.found, fresh.value!.refused], ['service', undefined]);
});

test('of a destination that changes, routes that say the same are the same objects', () => {
  const mesh = new TestMesh(shopYaml);
  const rules = (last: string): string => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews, namespace: shop}
spec:
  hosts: [reviews]
  http:
  - name: stays
    match: [{uri: {prefix: /stays}}]
    timeout: 3s
    route: [{destination: {host: reviews}}]
  - name: changes
    match: [{uri: {prefix: ${last}}}]
    route: [{destination: {host: reviews}}]
`;
  const watch = mesh.hub.watchDestination(shop, '10.96.0.5:80', quiet);
  mesh.put(rules('/one'), 1);
  const routes = () => new Map(watch.value?.routes.map(each => [each.name, each]));
  const before = routes();
  mesh.put(rules('/two'), 2);
  const after = routes();
  assert.equal(after.get('changes')?.matches?.[0]?.path?.value, '/two');
  assert.ok(before.has('stays'));
  assert.equal(after.get('stays'), before.get('stays'));
  assert.notEqual(after.get('changes'), before.get('changes'));
});
