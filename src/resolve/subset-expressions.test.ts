import assert from 'node:assert/strict';
import { test } from 'node:test';
import { meshFromYaml } from '../translate/testing/from-yaml.ts';
import { type Caller, resolveDestination, resolveEndpoints } from './index.ts';

const pods = [
  ['a', '{version: v1, team: red}'],
  ['b', '{version: v2, team: blue}'],
  ['c', '{version: v3}'],
]
  .map(
    ([name, labels], index) => `
---
apiVersion: v1
kind: Pod
metadata: {name: ${name}, namespace: shop, labels: ${labels}}
status: {podIP: 10.244.0.${index + 1}, conditions: [{type: Ready, status: "True"}]}
`,
  )
  .join('');

const mesh = meshFromYaml(`
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {clusterIP: 10.96.0.1, ports: [{port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{port: 8080}]
endpoints:
- {addresses: [10.244.0.1], targetRef: {kind: Pod, name: a}}
- {addresses: [10.244.0.2], targetRef: {kind: Pod, name: b}}
- {addresses: [10.244.0.3], targetRef: {kind: Pod, name: c}}
---
apiVersion: consul.hashicorp.com/v1alpha1
kind: ServiceResolver
metadata: {name: web, namespace: shop}
spec:
  defaultSubset: stable
  subsets:
    stable: {filter: Service.Meta.version == v1 or Service.Meta.version == v2}
    not-blue: {filter: Service.Meta.team != blue}
    teamless: {filter: Service.Meta.team is empty}
    everything: {}
${pods}`).mesh;
const caller: Caller = { namespace: 'shop', labels: {} };

function addressesOf(subset: string): string[] {
  const { resource } = resolveEndpoints(mesh, caller, `web.shop.svc.cluster.local:80/${subset}`);
  return resource.endpoints.map(each => each.address);
}

test('a subset has the pods whose labels its filter holds for', () => {
  assert.deepEqual(addressesOf('stable'), ['10.244.0.1', '10.244.0.2']);
  assert.deepEqual(addressesOf('not-blue'), ['10.244.0.1', '10.244.0.3']);
  assert.deepEqual(addressesOf('teamless'), ['10.244.0.3']);
  assert.deepEqual(addressesOf('everything'), ['10.244.0.1', '10.244.0.2', '10.244.0.3']);
});

test('requests and connections that name no subset go to the default one', () => {
  const { routes, tcp } = resolveDestination(mesh, caller, '10.96.0.1:80').resource;
  const stable = { cluster: 'web.shop.svc.cluster.local:80/stable', weight: 1 };
  assert.deepEqual(
    routes.map(each => each.action),
    [{ kind: 'forward', clusters: [stable] }],
  );
  assert.deepEqual(tcp, [stable]);
});

test('a subset by zone, region or node has the endpoints that run there, whatever their pods are labelled', () => {
  const nodes = ['eu-1a', 'eu-1b'].map(
    zone =>
      `{apiVersion: v1, kind: Node, metadata: {name: ${zone}-node, labels: {topology.kubernetes.io/region: eu, topology.kubernetes.io/zone: ${zone}}}}`,
  );
  const placed = ['eu-1a', 'eu-1b'].map(
    (zone, index) =>
      `{apiVersion: v1, kind: Pod, metadata: {name: ${zone}, namespace: shop, labels: {app: db}}, spec: {nodeName: ${zone}-node}, status: {podIP: 10.244.1.${index}, conditions: [{type: Ready, status: "True"}]}}`,
  );
  const { mesh: zoned } = meshFromYaml(
    [
      ...nodes,
      ...placed,
      '{apiVersion: v1, kind: Service, metadata: {name: db, namespace: shop}, spec: {ports: [{port: 80}]}}',
      '{apiVersion: v1, kind: Endpoints, metadata: {name: db, namespace: shop}, subsets: [{addresses: [{ip: 10.244.1.0}, {ip: 10.244.1.1}], ports: [{port: 80}]}]}',
      `{apiVersion: networking.istio.io/v1, kind: DestinationRule, metadata: {name: db, namespace: shop}, spec: {host: db, subsets: [
        {name: zone-a, labels: {topology.kubernetes.io/zone: eu-1a, app: db}},
        {name: eu, labels: {topology.kubernetes.io/region: eu}},
        {name: node-b, labels: {kubernetes.io/hostname: eu-1b-node}},
        {name: none, labels: {topology.kubernetes.io/zone: us-1}}]}}`,
    ].join('\n---\n'),
  );
  const of = (subset: string): string[] =>
    resolveEndpoints(zoned, caller, `db.shop.svc.cluster.local:80/${subset}`).resource.endpoints.map(
      each => each.address,
    );
  assert.deepEqual(
    [of('zone-a'), of('eu'), of('node-b'), of('none')],
    [['10.244.1.0'], ['10.244.1.0', '10.244.1.1'], ['10.244.1.1'], []],
  );
});
