// What the ConfigMap of ingress-nginx says for all Ingresses, where they say nothing themselves.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Mesh, Problem, RouteRule } from '../../model/index.ts';
import { meshFromYaml } from '../testing/from-yaml.ts';

type Texts = Readonly<Record<string, string>>;

function meshOf(
  data: Texts,
  annotations: Texts = {},
  path = '/',
): { mesh: Mesh; problems: readonly Problem[] } {
  const own = Object.entries(annotations).map(([key, value]) => [
    `nginx.ingress.kubernetes.io/${key}`,
    value,
  ]);
  const backend = { service: { name: 'web', port: { number: 80 } } };
  const objects = [
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'IngressClass',
      metadata: { name: 'nginx' },
      spec: { controller: 'weft.dev/ingress-controller' },
    },
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: { name: 'web', namespace: 'shop', annotations: Object.fromEntries(own) },
      spec: {
        ingressClassName: 'nginx',
        rules: [{ host: 'a.test', http: { paths: [{ path, pathType: 'Prefix', backend }] } }],
      },
    },
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'ingress-nginx-controller', namespace: 'ingress-nginx' },
      data,
    },
  ];
  return meshFromYaml(objects.map(each => JSON.stringify(each)).join('\n---\n'));
}

/** The only rule, of which nobody complains. */
function ruleOf(data: Texts, annotations: Texts = {}, path = '/'): RouteRule {
  const { mesh, problems } = meshOf(data, annotations, path);
  assert.deepEqual(
    problems.filter(each => each.object?.kind === 'ConfigMap').map(each => each.message),
    [],
  );
  return [...mesh.routeTables.values()].flat().flatMap(table => table.http)[0]!;
}

test('keys that are called as annotations hold where an Ingress has none of the name', () => {
  const data = {
    'proxy-next-upstream': 'http_502',
    'proxy-next-upstream-tries': '2',
    'proxy-next-upstream-timeout': '5',
  };
  const { retry } = ruleOf(data);
  assert.deepEqual([retry?.attempts, retry?.statuses, retry?.withinMs], [1, [502], 5000]);
  assert.equal(ruleOf(data, { 'proxy-next-upstream-tries': '4' }).retry?.attempts, 3);
  const { edge } = ruleOf(
    { 'proxy-cookie-path': '/a /b', 'custom-http-errors': '404' },
    { 'default-backend': 'pages' },
  );
  assert.deepEqual(edge?.rewrites?.cookiePath, { from: '/a', to: '/b' });
  assert.deepEqual(edge?.errorPages?.[0]?.statuses, [404]);
});

test('how backends are balanced', () => {
  const { mesh } = meshOf({ 'load-balance': 'ewma' });
  const policies = [...mesh.trafficPolicies.values()].flat();
  assert.deepEqual(
    policies.map(each => each.balancer),
    [{ kind: 'p2c-ewma' }],
  );
});

test('locations that need no login, and are not redirected to https', () => {
  const asked = { 'auth-url': 'http://auth.shop.svc.cluster.local/', 'force-ssl-redirect': 'true' };
  const seen = (data: Texts, path: string): unknown => {
    const { edge } = ruleOf(data, asked, path);
    return [edge?.authRequest !== undefined, edge?.toHttps !== undefined];
  };
  assert.deepEqual(seen({}, '/health'), [true, true]);
  assert.deepEqual(seen({}, '/.well-known/acme-challenge'), [false, false]);
  assert.deepEqual(seen({ 'no-auth-locations': '/x,/health' }, '/healthz'), [false, true]);
  assert.deepEqual(seen({ 'no-tls-redirect-locations': '/health' }, '/health'), [true, false]);
  assert.deepEqual(seen({ 'no-auth-locations': '/x' }, '/.well-known/acme-challenge'), [true, false]);
});

test('a value that is none is named at its key', () => {
  const { problems } = meshOf({ 'proxy-next-upstream': 'sometimes', 'load-balance': 'magic' });
  assert.deepEqual(
    problems
      .flatMap(each => (each.object?.kind === 'ConfigMap' ? [`${each.severity} ${each.path}`] : []))
      .sort(),
    ["error data['load-balance']", "error data['proxy-next-upstream']"],
  );
});
