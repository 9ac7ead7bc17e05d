// One canary in the words of several dialects: callers must be told the same.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DestinationResource } from '../model/index.ts';
import { meshFromYaml } from '../translate/testing/from-yaml.ts';
import { resolveDestination } from './index.ts';

const services = ['web', 'web-v1', 'web-v2']
  .map(
    name => `
---
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: shop}
spec: {clusterIP: None, selector: {app: ${name}}, ports: [{name: http, port: 80}]}
`,
  )
  .join('');

const canaries = {
  Istio: `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: canary, namespace: shop}
spec:
  hosts: [web]
  http:
  - route:
    - {destination: {host: web-v1}, weight: 90}
    - {destination: {host: web-v2}, weight: 10}
`,
  'Gateway API': `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: canary, namespace: shop}
spec:
  parentRefs: [{kind: Service, group: "", name: web}]
  rules:
  - backendRefs:
    - {name: web-v1, port: 80, weight: 90}
    - {name: web-v2, port: 80, weight: 10}
`,
  SMI: `
apiVersion: split.smi-spec.io/v1alpha4
kind: TrafficSplit
metadata: {name: canary, namespace: shop}
spec:
  service: web
  backends:
  - {service: web-v1, weight: 90}
  - {service: web-v2, weight: 10}
`,
  Linkerd: `
apiVersion: linkerd.io/v1alpha2
kind: ServiceProfile
metadata: {name: web.shop.svc.cluster.local, namespace: shop}
spec:
  dstOverrides:
  - {authority: "web-v1.shop.svc.cluster.local:80", weight: 90}
  - {authority: "web-v2.shop.svc.cluster.local:80", weight: 10}
`,
  Consul: `
apiVersion: consul.hashicorp.com/v1alpha1
kind: ServiceSplitter
metadata: {name: web, namespace: shop}
spec:
  splits:
  - {weight: 90, service: web-v1}
  - {weight: 10, service: web-v2}
`,
};

/** What a caller is told, without the names of routes and of the objects that they came from. */
function told(yaml: string): unknown {
  const { mesh, problems } = meshFromYaml(yaml + services);
  assert.deepEqual(problems, []);
  const { resource } = resolveDestination(mesh, { namespace: 'shop', labels: {} }, 'web:80');
  const { routes, tcp: _, clusters, ...rest }: DestinationResource = resource;
  // Of connections that are not HTTP only SMI and Linkerd speak in the same breath.
  const split = clusters.filter(each => each.name.includes('web-v'));
  return { ...rest, clusters: split, routes: routes.map(({ name: _name, from: _from, ...route }) => route) };
}

const [first, ...others] = Object.entries(canaries);
const expected = told(first![1]);

test('a canary in the words of Istio sends nine of ten requests to the first version', () => {
  const { routes } = expected as DestinationResource;
  assert.deepEqual(
    routes.map(each => each.action),
    [
      {
        kind: 'forward',
        clusters: [
          { cluster: 'web-v1.shop.svc.cluster.local:80', weight: 90 },
          { cluster: 'web-v2.shop.svc.cluster.local:80', weight: 10 },
        ],
      },
    ],
  );
});

for (const [dialect, yaml] of others) {
  test(`a canary in the words of ${dialect} is the same as in those of Istio`, () => {
    assert.deepEqual(told(yaml), expected);
  });
}
