// Gateway API's rules of attachment and precedence, from YAML to routes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changesOf, meshFromYaml } from '../translate/testing/from-yaml.ts';
import { Translator } from '../translate/translator.ts';
import { resolveDestination } from './index.ts';

const services = ['web', 'v1', 'v2'].map(
  (name, index) => `
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: shop}
spec: {clusterIP: 10.0.0.${index + 1}, ports: [{port: 80}, {port: 81}]}
---
`,
);

const route = (name: string, namespace: string, port: string, rules: string) => `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: ${name}, namespace: ${namespace}}
spec: {parentRefs: [{group: "", kind: Service, name: web, namespace: shop${port}}], rules: [${rules}]}
---
`;

/** Route names in order, as a caller of the namespace meets them. */
function routes(yaml: string, namespace = 'shop', port = 80): string[] {
  const { mesh } = meshFromYaml(services.join('') + yaml);
  return resolveDestination(
    mesh,
    { namespace, labels: {} },
    `web.shop.svc.cluster.local:${port}`,
  ).resource.routes.map(each => each.name);
}

const to = (name: string) => `backendRefs: [{name: ${name}, namespace: shop, port: 80}]`;
const producer = route('producer', 'shop', '', `{${to('v1')}}`);
const consumer = route('consumer', 'buyers', '', `{matches: [{path: {value: /mine}}], ${to('v2')}}`);

test('a consumer route stands instead of those of the producer, for callers of its namespace', () => {
  assert.deepEqual(routes(producer + consumer), ['producer-0']);
  assert.deepEqual(routes(producer + consumer, 'buyers'), ['consumer-0', 'no-route']);
  assert.deepEqual(routes(producer + consumer, 'strangers'), ['producer-0']);
});

test('a route that names a port leaves the other ports as they were', () => {
  const yaml = route('one', 'shop', ', port: 80', `{matches: [{path: {value: /a}}], ${to('v1')}}`);
  assert.deepEqual(routes(yaml), ['one-0', 'no-route']);
  assert.deepEqual(routes(yaml, 'shop', 81), ['default']);
});

test('a consumer route of another port leaves the producer’s in place', () => {
  const yaml = producer + route('consumer', 'buyers', ', port: 81', `{${to('v2')}}`);
  assert.deepEqual(routes(yaml, 'buyers'), ['producer-0']);
  assert.deepEqual(routes(yaml, 'buyers', 81), ['consumer-0']);
});

test('the most specific match of all routes goes first, also where its rule has a match for everything', () => {
  const first = `{name: wide, matches: [{path: {type: Exact, value: /a}}, {path: {value: /}}], ${to('v1')}}`;
  const second = [
    `{name: prefix, matches: [{path: {value: /a}}], ${to('v2')}}`,
    `{name: longer, matches: [{path: {value: /a/b}}], ${to('v2')}}`,
    `{name: method, matches: [{path: {value: /a}, method: GET}], ${to('v2')}}`,
    `{name: headers, matches: [{headers: [{name: a, value: b}]}], ${to('v2')}}`,
    `{name: query, matches: [{queryParams: [{name: a, value: b}]}], ${to('v2')}}`,
  ];
  const yaml = route('a', 'shop', '', first) + route('b', 'shop', '', second.join(', '));
  assert.deepEqual(routes(yaml), ['wide', 'longer', 'method', 'prefix', 'headers', 'query', 'wide~2']);
});

test('a GRPCRoute stands instead of the HTTPRoutes of its port', () => {
  const grpc = route('grpc', 'shop', ', port: 80', `{${to('v2')}}`).replace('HTTPRoute', 'GRPCRoute');
  assert.deepEqual(routes(producer + grpc), ['grpc-0']);
  assert.deepEqual(routes(producer + grpc, 'shop', 81), ['producer-0']);
});

test('a grant that goes away takes its traffic with it', () => {
  const rule = '{backendRefs: [{name: db, namespace: closed, port: 80}]}';
  const grant = `
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: {name: g, namespace: closed}
spec: {from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: shop}], to: [{group: "", kind: Service}]}
---
`;
  const translator = new Translator();
  const kinds = (): string[] => {
    const caller = { namespace: 'shop', labels: {} };
    const { resource } = resolveDestination(translator.mesh, caller, '10.0.0.1:80');
    return resource.routes.map(each => each.action.kind);
  };
  translator.apply(changesOf(services.join('') + route('r', 'shop', '', rule) + grant));
  assert.deepEqual(kinds(), ['forward']);
  const kind = 'ReferenceGrant.gateway.networking.k8s.io';
  const { touched } = translator.apply([{ type: 'delete', kind, key: 'closed/g' }]);
  assert.deepEqual(kinds(), ['respond']);
  assert.ok(touched.has('route-tables web.shop.svc.cluster.local'));
});

test('a backend that does not exist is invalid, one that is there without endpoints is not', () => {
  const backends =
    'backendRefs: [{name: v1, port: 80}, {name: gone, port: 80}, {name: x, kind: Foo, port: 80}, {name: api, namespace: z, port: 80}]';
  const { mesh } = meshFromYaml(services.join('') + route('half', 'shop', '', `{${backends}}`));
  const asked = 'web.shop.svc.cluster.local:80';
  const { routes: found } = resolveDestination(mesh, { namespace: 'shop', labels: {} }, asked).resource;
  const [first] = found;
  assert.ok(first?.action.kind === 'forward');
  assert.deepEqual(
    first.action.clusters.map(({ invalid }) => invalid ?? ''),
    [
      '',
      'the backend gone.shop.svc.cluster.local:80 does not exist or may not be referred to',
      'the backend x.shop is no Service, or has a filter that nobody here knows',
      'no ReferenceGrant of its namespace lets this rule send to the backend api.z',
    ],
  );
});
