// Istio's resolution DYNAMIC_DNS: the name in the request says where it goes, not the address that the app called.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { meshFromYaml } from '../translate/testing/from-yaml.ts';
import { resolveDestination, resolveEndpoints } from './index.ts';

const entry = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: wild, namespace: shop}
spec:
  hosts: ["*.example.com"]
  addresses: [240.0.0.9, 240.1.0.0/16]
  ports: [{number: 443, name: tls, protocol: TLS}, {number: 80, name: http, protocol: HTTP, targetPort: 8080}]
  resolution: DYNAMIC_DNS
---`;
const caller = { namespace: 'shop', labels: {} };

function destination(key: string, yaml = entry) {
  const { mesh, problems } = meshFromYaml(yaml);
  assert.deepEqual(problems, []);
  const { resource } = resolveDestination(mesh, caller, key);
  const endpoints = resource.clusters.flatMap(each =>
    resolveEndpoints(mesh, caller, each.name).resource.endpoints.map(
      ({ address, port }) => `${address}:${port}`,
    ),
  );
  return { resource, endpoints };
}

test('the one endpoint is the name that was asked for, on the target port', () => {
  const { resource, endpoints } = destination('maps.example.com:80');
  assert.deepEqual(endpoints, ['maps.example.com:8080']);
  assert.equal(resource.clusters[0]!.originalDestination, undefined);
  assert.deepEqual(destination('a.b.example.com:443').endpoints, ['a.b.example.com:443']);
});

test('its addresses say nothing: the proxy asks by the name in the request', () => {
  for (const key of ['240.0.0.9:443', '240.1.2.3:80', '192.0.2.1:443']) {
    const { resource } = destination(key);
    assert.deepEqual([resource.found, resource.askByName], ['unknown', true], key);
  }
});

test('a rule that sends to the wildcard sends to the name that was asked for', () => {
  const rule = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: vs, namespace: shop}
spec:
  hosts: ["*.example.com"]
  http: [{timeout: 3s, route: [{destination: {host: "*.example.com", port: {number: 80}}}]}]
---`;
  assert.deepEqual(destination('maps.example.com:80', entry + rule).endpoints, ['maps.example.com:8080']);
});

test('what names no host, and endpoints, are warned about', () => {
  const of = (spec: string) =>
    meshFromYaml(`
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: wild, namespace: shop}
spec: {hosts: ["*.example.com"], resolution: DYNAMIC_DNS, ${spec}}
`).problems.map(({ severity, path }) => `${severity} ${path}`);
  assert.deepEqual(of('ports: [{number: 5432, name: tcp, protocol: TCP}]'), ['warning spec.ports']);
  const endpoints = 'endpoints: [{address: 192.0.2.1}]';
  assert.deepEqual(of(`ports: [{number: 443, name: tls, protocol: TLS}], ${endpoints}`), [
    'warning spec.endpoints',
  ]);
});
