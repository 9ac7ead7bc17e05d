import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fact } from '../model/index.ts';
import type { Change } from '../registry/index.ts';
import { changesOf } from './testing/from-yaml.ts';
import { Translator } from './translator.ts';

const service = (extra = ''): string => `
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop${extra}}
spec: {clusterIP: 10.96.0.1, ports: [{port: 80}]}
`;
const slice = (name: string, ...addresses: string[]): string => `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: ${name}, namespace: shop, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{port: 8080}]
endpoints: [${addresses.map(each => `{addresses: [${each}]}`).join(', ')}]
`;
const pod = (extra = '', status = 'podIP: 10.244.0.1'): string => `
apiVersion: v1
kind: Pod
metadata: {name: web-0, namespace: shop${extra}}
status: {${status}}
`;

function apply(translator: Translator, yaml: string): string[] {
  return [...translator.apply(changesOf(yaml)).touched].sort();
}

function remove(translator: Translator, kind: string, key: string): string[] {
  const change: Change = { type: 'delete', kind, key };
  return [...translator.apply([change]).touched].sort();
}

test('a new service touches itself, its host and its address', () => {
  const translator = new Translator();
  assert.deepEqual(apply(translator, service()), [
    fact.address('10.96.0.1'),
    fact.endpoints('shop/web'),
    fact.host('web.shop.svc.cluster.local'),
    fact.service('shop/web'),
  ]);
});

test('an endpoint change touches the set and only the addresses that came or went', () => {
  const translator = new Translator();
  apply(translator, service());
  apply(translator, slice('a', '10.244.0.1', '10.244.0.2'));
  assert.deepEqual(apply(translator, slice('a', '10.244.0.2', '10.244.0.3')), [
    fact.backing('10.244.0.1'),
    fact.backing('10.244.0.3'),
    fact.endpoints('shop/web'),
  ]);
});

test('an edit that changes nothing anybody reads touches nothing', () => {
  const translator = new Translator();
  apply(translator, service());
  apply(translator, pod());
  const before = translator.mesh;
  assert.deepEqual(apply(translator, service(', labels: {team: a}, annotations: {x: z}')), []);
  assert.deepEqual(apply(translator, pod(', annotations: {x: z}')), []);
  assert.equal(translator.mesh.services, before.services, 'the very same map');
  assert.equal(translator.mesh.workloads, before.workloads, 'the very same map');
});

test('endpoints that come before their service are used once it is there', () => {
  const translator = new Translator();
  assert.deepEqual(apply(translator, slice('a', '10.244.0.1')), []);
  apply(translator, service());
  assert.equal(translator.mesh.services.get('shop/web')!.endpoints.get(80)!.length, 1);
});

test('what is deleted is gone from every map', () => {
  const translator = new Translator();
  apply(translator, service());
  apply(translator, slice('a', '10.244.0.1'));
  apply(translator, pod());
  remove(translator, 'Service', 'shop/web');
  remove(translator, 'EndpointSlice.discovery.k8s.io', 'shop/a');
  remove(translator, 'Pod', 'shop/web-0');
  const { services, serviceByHost, servicesByAddress, servicesByEndpoint, workloads, workloadByAddress } =
    translator.mesh;
  for (const map of [
    services,
    serviceByHost,
    servicesByAddress,
    servicesByEndpoint,
    workloads,
    workloadByAddress,
  ]) {
    assert.deepEqual([...map], []);
  }
});

test('a bad update keeps the last good version until it is mended', () => {
  const translator = new Translator();
  apply(translator, service());
  assert.deepEqual(apply(translator, service().replace('port: 80', 'port: 0')), []);
  assert.equal(translator.problems()[0]!.path, 'spec.ports[0].port');
  assert.equal(translator.mesh.services.get('shop/web')!.ports[0]!.number, 80);
  apply(translator, service().replace('port: 80', 'port: 81'));
  assert.deepEqual(translator.problems(), []);
  assert.equal(translator.mesh.services.get('shop/web')!.ports[0]!.number, 81);
});

test('a bad annotation keeps the last good ones and leaves the service alone', () => {
  const translator = new Translator();
  apply(translator, service(', annotations: {weft.dev/timeout: 1s}'));
  apply(translator, service(', annotations: {weft.dev/timeout: soon}').replace('port: 80', 'port: 81'));
  assert.equal(translator.mesh.services.get('shop/web')!.ports[0]!.number, 81);
  const policies = translator.mesh.trafficPolicies.get('web.shop.svc.cluster.local')!;
  assert.equal(policies[0]!.timeoutMs, 1000);
});

test('an address that moves to a new pod belongs to the new pod, also while the old one is still leaving', () => {
  const translator = new Translator();
  apply(translator, pod(', creationTimestamp: "2026-01-01T00:00:00Z"'));
  const young = pod(', creationTimestamp: "2026-01-02T00:00:00Z"').replace('web-0', 'web-1');
  assert.deepEqual(apply(translator, young), [fact.address('10.244.0.1'), fact.workload('shop/web-1')]);
  assert.equal(translator.mesh.workloadByAddress.get('10.244.0.1'), 'shop/web-1');
  remove(translator, 'Pod', 'shop/web-1');
  assert.equal(translator.mesh.workloadByAddress.get('10.244.0.1'), 'shop/web-0');
});

test('of two policies of one scope the older counts, and the other is named until it is alone', () => {
  const policy = (name: string, created: string, mode: string): string => `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: ${name}, namespace: shop, creationTimestamp: "${created}"}
spec: {mtls: {mode: ${mode}}}
`;
  const translator = new Translator();
  apply(translator, policy('young', '2026-02-01T00:00:00Z', 'STRICT'));
  apply(translator, policy('old', '2026-01-01T00:00:00Z', 'DISABLE'));
  assert.equal(translator.mesh.peerPolicies.get('shop')![0]!.mode, 'disable');
  assert.deepEqual(
    translator.problems().map(each => [each.code, each.object!.name]),
    [['policy-shadowed', 'young']],
  );
  remove(translator, 'PeerAuthentication.security.istio.io', 'shop/old');
  assert.deepEqual(translator.problems(), []);
});

test('a kind that a mesh is expected to obey and Weft does not is named; others are nobody’s business', () => {
  const translator = new Translator();
  const object = (apiVersion: string, kind: string): string =>
    `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: x}\n`;
  apply(translator, object('networking.istio.io/v1beta1', 'ProxyConfig'));
  apply(translator, object('apps/v1', 'Deployment'));
  assert.deepEqual(
    translator.problems().map(each => each.object!.kind),
    ['ProxyConfig'],
  );
  remove(translator, 'ProxyConfig.networking.istio.io', 'default/x');
  assert.deepEqual(translator.problems(), []);
});

test('two clusters with pods and Services of the same names and addresses are kept apart, and one can go alone', () => {
  const translator = new Translator();
  const mesh = `${service()}---${slice('web-1', '10.244.0.1')}---${pod()}`;
  const far = { name: 'kubernetes:east', site: { cluster: 'east', network: 'east-vpc' } };
  const farObjects = changesOf(
    mesh.replaceAll('port: 80}', 'port: 90}').replace('{name: web-0', '{labels: {far: "1"}, name: web-0'),
    'east.yaml',
    far,
  );
  translator.apply(farObjects);
  const host = 'web.shop.svc.cluster.local';
  assert.equal(translator.mesh.serviceByHost.get(host), 'east/shop/web', 'nobody else has that host');
  translator.apply(changesOf(mesh));
  const { services, workloads, workloadByAddress, servicesByEndpoint, servicesByAddress, serviceByHost } =
    translator.mesh;
  const keys = ['east/shop/web', 'shop/web'];
  assert.deepEqual([...services.keys()].sort(), keys);
  assert.equal(serviceByHost.get(host), 'shop/web', "the control plane's own counts");
  assert.deepEqual([...workloads.keys()].sort(), ['east/shop/web-0', 'shop/web-0']);
  assert.deepEqual(workloads.get('east/shop/web-0')!.labels, { far: '1' });
  assert.deepEqual(Object.fromEntries(workloadByAddress), {
    '10.244.0.1': 'shop/web-0',
    'east-vpc/10.244.0.1': 'east/shop/web-0',
  });
  assert.deepEqual(Object.fromEntries(servicesByEndpoint), {
    '10.244.0.1': ['shop/web'],
    'east-vpc/10.244.0.1': ['east/shop/web'],
  });
  assert.deepEqual(Object.fromEntries(servicesByAddress), {
    '10.96.0.1': ['shop/web'],
    'east/10.96.0.1': ['east/shop/web'],
  });
  for (const { kind, key } of farObjects) remove(translator, kind, key);
  assert.deepEqual([...translator.mesh.services.keys()], ['shop/web']);
  assert.deepEqual([...translator.mesh.workloads.keys()], ['shop/web-0']);
  assert.equal(translator.mesh.workloadByAddress.size, 1);
  for (const change of farObjects) translator.apply([change]);
  for (const { kind, key } of changesOf(mesh)) remove(translator, kind, key);
  assert.equal(translator.mesh.serviceByHost.get(host), 'east/shop/web', 'the other takes its place');
  assert.deepEqual([...translator.mesh.workloads.keys()], ['east/shop/web-0']);
});

test('policies of another cluster are not for this one', () => {
  const translator = new Translator();
  const strict = `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: strict, namespace: shop}
spec: {mtls: {mode: STRICT}}
`;
  const far = { name: 'east', site: { cluster: 'east' } };
  translator.apply(changesOf(strict, 'east.yaml', far));
  assert.equal(translator.mesh.peerPolicies.size, 0);
  translator.apply(changesOf(strict));
  assert.equal(translator.mesh.peerPolicies.size, 1);
});
