import assert from 'node:assert/strict';
import { test } from 'node:test';
import { meshFromYaml } from '../translate/testing/from-yaml.ts';
import { resolveDestination } from './index.ts';

const service = (name: string): string => `
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: shop}
spec: {clusterIP: 10.96.0.${name.length}, ports: [{port: 80, name: http}]}
---`;

/** What the routes of a call from `namespace` are: name and where they send. */
function routes(yaml: string, key: string, namespace = 'shop'): string[] {
  const { mesh } = meshFromYaml(yaml);
  return resolveDestination(mesh, { namespace, labels: {} }, key).resource.routes.map(({ name, action }) =>
    action.kind === 'forward' ? `${name} ${action.clusters.map(each => each.cluster).join(' ')}` : name,
  );
}

const virtualService = (name: string, created: string, http: string): string => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ${name}, namespace: shop, creationTimestamp: "${created}"}
spec: {hosts: [web], http: [${http}]}
---`;
const to = (subset: string, match = ''): string =>
  `{name: ${subset}, ${match} route: [{destination: {host: web, subset: ${subset}}}]}`;
const under = (path: string): string => `match: [{uri: {prefix: ${path}}}],`;

test('a rule behind one for everything is never met, as in istio', () => {
  const yaml = service('web') + virtualService('a', '2024', [to('all'), to('admin', under('/admin'))].join());
  assert.deepEqual(routes(yaml, 'web:80'), ['all web.shop.svc.cluster.local:80/all']);
  const written =
    service('web') + virtualService('a', '2024', [to('all', under('/')), to('admin', under('/a'))].join());
  assert.deepEqual(
    routes(written, 'web:80').map(each => each.split(' ')[0]),
    ['all', 'admin', 'no-route'],
  );
});

test('rules of several virtual services stand oldest first, those for everything at the end', () => {
  const younger = virtualService('younger', '2025', [to('b', under('/b')), to('rest-b')].join());
  const older = virtualService('older', '2024', [to('a', under('/a')), to('rest-a')].join());
  assert.deepEqual(
    routes(service('web') + younger + older, 'web:80').map(each => each.split(' ')[0]),
    ['a', 'b', 'rest-a'],
  );
});

test('a virtual service without hosts holds for the one host of its destinations until somebody delegates to it', () => {
  const hostless = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: rules, namespace: shop}
spec: {http: [${to('v2')}]}
---`;
  assert.deepEqual(routes(service('web') + hostless, 'web:80'), ['v2 web.shop.svc.cluster.local:80/v2']);
  const root = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: root, namespace: shop}
spec: {hosts: [other.example.com], http: [{name: root, delegate: {name: rules}}]}`;
  const both = service('web') + hostless + root;
  assert.deepEqual(routes(both, 'web:80'), ['default web.shop.svc.cluster.local:80']);
  assert.deepEqual(routes(both, 'other.example.com:80'), ['root-v2 web.shop.svc.cluster.local:80/v2']);
});

const entry = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: api, namespace: outside}
spec: {hosts: [api.example.com], resolution: DNS, ports: [{number: 80, name: http, protocol: HTTP}]}
---`;
const rule = (namespace: string): string => `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: api, namespace: ${namespace}}
spec: {host: api.example.com, trafficPolicy: {tls: {mode: SIMPLE, sni: ${namespace}.example.com}}}
---`;

function serverName(yaml: string, namespace: string): string | undefined {
  const { mesh } = meshFromYaml(yaml);
  const { resource } = resolveDestination(mesh, { namespace, labels: {} }, 'api.example.com:80');
  return resource.clusters[0]?.settings.tls?.serverName;
}

test('a destination rule beside a service entry is for all callers, one elsewhere for those of its namespace', () => {
  const yaml = entry + rule('outside') + rule('web');
  assert.equal(serverName(yaml, 'shop'), 'outside.example.com');
  assert.equal(serverName(yaml, 'web'), 'web.example.com');
  assert.equal(serverName(entry + rule('web'), 'shop'), undefined);
});
