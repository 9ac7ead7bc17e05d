// What names are to a machine that asks by DNS.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nameKey } from '../model/index.ts';
import { meshFromYaml } from '../translate/testing/from-yaml.ts';
import { resolveName } from './index.ts';

const yaml = `
apiVersion: v1
kind: Service
metadata: {name: cart, namespace: shop}
spec: {clusterIP: 10.96.0.5, clusterIPs: [10.96.0.5, "fd00::5"], ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: webs, namespace: shop}
spec: {clusterIP: None, selector: {app: webs}, ports: [{port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: webs-1, namespace: shop, labels: {kubernetes.io/service-name: webs}}
addressType: IPv4
ports: [{port: 80, protocol: TCP, name: ""}]
endpoints:
- {addresses: [10.244.0.2], hostname: web-0, conditions: {ready: true}}
- {addresses: [10.244.0.3], hostname: web-1, conditions: {ready: false}}
---
apiVersion: v1
kind: Service
metadata: {name: other, namespace: shop}
spec: {type: ExternalName, externalName: Cart.shop.svc.cluster.local.}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: ledger, namespace: vm}
spec:
  hosts: [ledger.example]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP}]
  endpoints: [{address: 192.0.2.7}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: fixed, namespace: vm}
spec:
  hosts: [fixed.example]
  addresses: [240.0.0.1, 240.1.0.0/16]
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP}]
  endpoints: [{address: 192.0.2.8}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: api, namespace: vm}
spec: {hosts: [api.example], resolution: DNS, ports: [{number: 443, name: tls, protocol: TLS}]}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: hidden, namespace: shop}
spec:
  hosts: [hidden.example]
  exportTo: ["."]
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP}]
  endpoints: [{address: 192.0.2.9}]
`;

const { mesh, problems } = meshFromYaml(yaml);
const ask = (host: string, namespace = 'vm') => {
  const { found, addresses, direct, alias } = resolveName(
    mesh,
    { namespace, labels: {} },
    nameKey(host),
  ).resource;
  return { found, addresses, direct: direct === true, alias };
};
const at = (addresses: string[], direct = false) => ({ found: true, addresses, direct, alias: undefined });
const nobody = { found: false, addresses: [], direct: false, alias: undefined };

test('a Service is its virtual addresses, a headless one its ready pods, each of which has a name', () => {
  assert.deepEqual(problems, []);
  assert.deepEqual(ask('cart.shop.svc.cluster.local'), at(['10.96.0.5', 'fd00::5']));
  assert.deepEqual(ask('webs.shop.svc.cluster.local'), at(['10.244.0.2'], true));
  assert.deepEqual(ask('web-1.webs.shop.svc.cluster.local'), at(['10.244.0.3'], true));
  assert.deepEqual(ask('web-2.webs.shop.svc.cluster.local'), nobody);
});

test('an ExternalName is another name', () => {
  assert.deepEqual(ask('other.shop.svc.cluster.local'), {
    ...at([]),
    alias: 'cart.shop.svc.cluster.local',
  });
});

test('an external host is the addresses that are written, otherwise its endpoints; names of the world are the world’s', () => {
  assert.deepEqual(ask('fixed.example'), at(['240.0.0.1']));
  assert.deepEqual(ask('ledger.example'), at(['192.0.2.7'], true));
  assert.deepEqual(ask('api.example'), nobody);
  assert.deepEqual(ask('nobody.example'), nobody);
});

test('names are absolute, and only those that the caller may know', () => {
  assert.deepEqual(ask('cart.shop'), nobody);
  assert.deepEqual(ask('hidden.example'), nobody);
  assert.deepEqual(ask('hidden.example', 'shop'), at(['192.0.2.9'], true));
});

test('rests on the facts that would change it', () => {
  const { facts } = resolveName(
    mesh,
    { namespace: 'vm', labels: {} },
    nameKey('webs.shop.svc.cluster.local'),
  );
  assert.ok(facts.has('host webs.shop.svc.cluster.local') && facts.has('endpoints shop/webs'));
  const unknown = resolveName(mesh, { namespace: 'vm', labels: {} }, nameKey('nobody.example')).facts;
  assert.ok(unknown.has('externals nobody.example') && unknown.has('host nobody.example'));
});
