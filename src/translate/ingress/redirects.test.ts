// Where redirects of a host go when its class serves TLS elsewhere than at 443, and what the ConfigMap says of their status.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { meshFromYaml } from '../testing/from-yaml.ts';

const objects = `apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: { name: nginx, annotations: { weft.dev/https-port: '8443' } }
spec: { controller: weft.dev/ingress-controller }
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  namespace: shop
  annotations: { nginx.ingress.kubernetes.io/from-to-www-redirect: 'true' }
spec:
  ingressClassName: nginx
  tls: [{ hosts: [a.test], secretName: tls }]
  rules:
    - host: a.test
      http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: web, port: { number: 80 } } } }] }
`;

function settings(data: Readonly<Record<string, string>>): string {
  const metadata = { name: 'ingress-nginx-controller', namespace: 'ingress-nginx' };
  return `---\n${JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data })}\n`;
}

/** What redirects say: the rule's name, and the redirect. */
function redirects(data: Readonly<Record<string, string>>): unknown {
  const { mesh, problems } = meshFromYaml(objects + settings(data));
  assert.deepEqual(
    problems.filter(each => each.object?.kind === 'ConfigMap'),
    [],
  );
  const rules = [...mesh.routeTables.values()].flat().flatMap(table => table.http);
  return rules.map(({ name, action, edge }) => [
    name?.split(' ')[1],
    action.kind === 'redirect' ? action : edge?.toHttps,
  ]);
}

test('from-to-www-redirect names the port of TLS, redirects to https only where use-port-in-redirects says so', () => {
  const www = { kind: 'redirect', status: 308, scheme: 'https', authority: 'a.test:8443' };
  assert.deepEqual(redirects({}), [
    ['spec.rules[0].http.paths[0]', { status: 308 }],
    ['from-to-www', www],
  ]);
  assert.deepEqual(redirects({ 'use-port-in-redirects': 'true', 'http-redirect-code': '301' }), [
    ['spec.rules[0].http.paths[0]', { status: 301, port: 8443 }],
    ['from-to-www', { ...www, status: 301 }],
  ]);
});

test('a status that is none of a redirect is named, and the others hold', () => {
  const { problems } = meshFromYaml(objects + settings({ 'http-redirect-code': '200' }));
  assert.ok(problems.some(each => each.severity === 'error' && each.message.includes("'200' is no status")));
});
