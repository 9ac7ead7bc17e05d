import assert from 'node:assert/strict';
import { test } from 'node:test';
import { meshFromYaml } from '../translate/testing/from-yaml.ts';
import { resolveDestination, resolveEndpoints } from './index.ts';

const objects = (appProtocol: string): string => `apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {clusterIP: None, selector: {app: web}, ports: [{port: 8000, appProtocol: ${appProtocol}}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-a, namespace: shop, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{port: 8000}]
endpoints:
- {addresses: [10.244.0.7], conditions: {ready: true}, hostname: web-0}
- {addresses: [10.244.0.8], conditions: {ready: true}, hostname: web-1}
`;
const caller = { namespace: 'shop', labels: {} };
const direct = 'web.shop.svc.cluster.local:8000/10.244.0.7:8000';
const all = 'web.shop.svc.cluster.local:8000';

/** Where requests of each authority go, by the first route that matches. */
function clusterOf(appProtocol: string, authority: string, from = caller): string {
  const { mesh, problems } = meshFromYaml(objects(appProtocol), 'web.yaml');
  assert.deepEqual(problems, []);
  const { resource } = resolveDestination(mesh, from, '10.244.0.7:8000');
  const route = resource.routes.find(
    ({ matches = [] }) => matches.length === 0 || matches.some(each => each.authority?.value === authority),
  );
  assert.ok(route?.action.kind === 'forward');
  const { cluster } = route.action.clusters[0]!;
  assert.ok(resource.clusters.some(({ name }) => name === cluster));
  return cluster;
}

test('calls that name a headless Service are balanced over its pods, whichever of them was called', () => {
  for (const authority of ['web.shop.svc.cluster.local:8000', 'web.shop.svc', 'web.shop:8000', 'web'])
    assert.equal(clusterOf('grpc', authority), all, authority);
  const { mesh } = meshFromYaml(objects('grpc'), 'web.yaml');
  assert.equal(resolveEndpoints(mesh, caller, all).resource.endpoints.length, 2);
});

test('those that name a pod, or anything else, go to the pod that was called', () => {
  for (const authority of ['web-0.web.shop.svc.cluster.local:8000', '10.244.0.7:8000', 'other'])
    assert.equal(clusterOf('grpc', authority), direct, authority);
  assert.equal(clusterOf('grpc', 'web', { namespace: 'other', labels: {} }), direct);
});

test('where each connection carries one request at a time the client balances itself', () => {
  assert.equal(clusterOf('http', 'web.shop.svc.cluster.local:8000'), direct);
});
