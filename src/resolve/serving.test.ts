import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Change } from '../registry/index.ts';
import { changesOf, meshFromYaml } from '../translate/testing/from-yaml.ts';
import { Translator } from '../translate/translator.ts';
import { resolveDestination, resolveInbound } from './index.ts';

const service = (spec: string, namespace = 'shop'): string => `apiVersion: v1
kind: Service
metadata: {name: cart, namespace: ${namespace}}
spec: {${spec}}
---
`;
const ports = 'ports: [{name: http, port: 80, targetPort: web}, {name: tcp-bytes, port: 90}]';
const selecting = service(`clusterIP: 10.96.0.5, selector: {app: cart, tier: back}, ${ports}`);
const pod = (
  name: string,
  labels: string,
  namespace = 'shop',
  address = '10.244.0.9',
): string => `apiVersion: v1
kind: Pod
metadata: {name: ${name}, namespace: ${namespace}, labels: {${labels}}}
spec: {containers: [{name: app, ports: [{name: web, containerPort: 8080}]}]}
status: {podIP: ${address}}
---
`;
const own = pod('cart-0', 'app: cart, tier: back, pod-template-hash: abc');
const slice = `apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: cart-1, namespace: shop, labels: {kubernetes.io/service-name: cart}}
addressType: IPv4
ports: [{name: http, port: 8080}]
endpoints: [{addresses: [10.244.0.9], targetRef: {kind: Pod, name: cart-0, namespace: shop}}]
---
`;
const policies = `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: of-service, namespace: shop}
spec: {targetRefs: [{kind: Service, group: "", name: cart}], rules: [{from: [{source: {namespaces: [ops]}}]}]}
---
apiVersion: consul.hashicorp.com/v1alpha1
kind: ServiceIntentions
metadata: {name: cart, namespace: shop}
spec: {destination: {name: cart}, sources: [{name: web, action: allow}]}
---
`;

/** The ports on which each policy holds, by the policy's name. */
function held(yaml: string, key = 'shop/cart-0'): Readonly<Record<string, readonly number[] | undefined>> {
  const { authorization = [] } = resolveInbound(meshFromYaml(yaml).mesh, key).resource!;
  return Object.fromEntries(authorization.map(({ from, ports: of }) => [from!.name, of]));
}

test('a policy for a Service holds on a pod that its selector matches, before any EndpointSlice names the pod', () => {
  assert.deepEqual(held(policies + selecting + own), { 'of-service': [90, 8080], cart: [90, 8080] });
  assert.deepEqual(held(policies + selecting + own + slice), { 'of-service': [90, 8080], cart: [90, 8080] });
});

test('also on a pod whose address is not known yet', () => {
  const without = own.replace('status: {podIP: 10.244.0.9}', 'status: {}');
  assert.deepEqual(held(policies + selecting + without), { 'of-service': [90, 8080], cart: [90, 8080] });
});

test('a pod that has but some of the labels, or is of another namespace, is not of the Service', () => {
  assert.deepEqual(held(policies + selecting + pod('cart-0', 'app: cart')), {});
  assert.deepEqual(held(policies + selecting + pod('cart-0', 'app: cart, tier: front')), {});
  assert.deepEqual(
    held(policies + selecting + pod('cart-0', 'app: cart, tier: back', 'far'), 'far/cart-0'),
    {},
  );
});

test('of a Service without a selector the EndpointSlices say who stands behind it', () => {
  for (const none of [service(ports), service(`selector: {}, ${ports}`)]) {
    assert.deepEqual(held(policies + none + own), {});
    assert.deepEqual(held(policies + none + own + slice), { 'of-service': [8080], cart: [8080] });
  }
});

test('a target port is a number, a name of the pod’s ports, or the number of the Service’s own', () => {
  const of = (target: string): unknown =>
    held(policies + service(`selector: {app: cart}, ports: [{port: 80${target}}]`) + own)['of-service'];
  assert.deepEqual(of(''), [80]);
  assert.deepEqual(of(', targetPort: 0'), [80]);
  assert.deepEqual(of(', targetPort: 7070'), [7070]);
  assert.deepEqual(of(', targetPort: "7070"'), [7070]);
  assert.deepEqual(of(', targetPort: web'), [8080]);
  assert.equal(of(', targetPort: other'), undefined);
});

test('the inbound side of such a pod knows its Service and what is spoken, once where both ways tell it', () => {
  for (const yaml of [selecting + own, selecting + own + slice]) {
    const { resource } = resolveInbound(meshFromYaml(yaml).mesh, 'shop/cart-0');
    assert.deepEqual(
      resource!.ports.map(each => [each.number, each.protocol, each.service?.name, each.servicePort]),
      [
        [90, 'tcp', 'cart', 90],
        [8080, 'http', 'cart', 80],
      ],
    );
  }
});

test('who calls such a pod by its address is told its Service and what is spoken', () => {
  const caller = { namespace: 'shop', labels: {} };
  for (const yaml of [selecting + own, selecting + own + slice]) {
    const { resource } = resolveDestination(meshFromYaml(yaml).mesh, caller, '10.244.0.9:8080');
    assert.deepEqual(
      [resource.found, resource.host, resource.port, resource.protocol],
      ['workload', 'cart.shop.svc.cluster.local', 80, 'http'],
    );
  }
});

test('what is resolved of a pod is resolved again when a Service begins or ends to select it, and for no other', () => {
  const translator = new Translator();
  translator.apply(changesOf(policies + own));
  /** Whether the change is news for the pod, and on which ports the policy then holds. */
  const after = (changes: readonly Change[]): readonly [boolean, readonly number[] | undefined] => {
    const { facts } = resolveInbound(translator.mesh, 'shop/cart-0');
    const { touched } = translator.apply(changes);
    const { resource } = resolveInbound(translator.mesh, 'shop/cart-0');
    return [[...touched].some(each => facts.has(each)), resource!.authorization?.[0]?.ports];
  };
  assert.deepEqual(after(changesOf(service(`selector: {app: other, tier: back}, ${ports}`))), [
    false,
    undefined,
  ]);
  assert.deepEqual(after(changesOf(selecting)), [true, [90, 8080]]);
  assert.deepEqual(after(changesOf(selecting.replace('port: 90', 'port: 91'))), [true, [91, 8080]]);
  assert.deepEqual(after(changesOf(service(`selector: {app: cart, tier: front}, ${ports}`))), [
    true,
    undefined,
  ]);
  assert.deepEqual(after(changesOf(selecting)), [true, [90, 8080]]);
  const sibling = service(`selector: {app: cart, tier: front}, ${ports}`).replace(
    'name: cart',
    'name: sibling',
  );
  assert.deepEqual(after(changesOf(sibling)), [true, [90, 8080]]);
  assert.deepEqual(after(changesOf(sibling.replace('port: 90', 'port: 91'))), [false, [90, 8080]]);
  assert.deepEqual(after(changesOf(sibling.replace('tier: front', 'tier: back'))), [true, [90, 8080]]);
  assert.deepEqual(after([{ type: 'delete', kind: 'Service', key: 'shop/sibling' }]), [true, [90, 8080]]);
  assert.deepEqual(after([{ type: 'delete', kind: 'Service', key: 'shop/cart' }]), [true, undefined]);
  assert.equal(translator.mesh.servicesBySelector.size, 0);
  assert.deepEqual(after(changesOf(selecting.replaceAll('shop', 'far'))), [false, undefined]);
});
