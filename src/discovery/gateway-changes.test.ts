// What a change of one listener among many costs: only what rests on that listener is resolved anew, and told where it differs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { certificateKey, type GatewayResource, gatewayKey, virtualHostKey } from '../model/index.ts';
import { TestMesh } from './testing/stream-suite.ts';

const edge = { namespace: 'edge', labels: {} };
const place = { gateway: 'edge/web', port: 443 };
const key = (host: string): string => virtualHostKey({ ...place, listener: host, host });

const classYaml = `
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: { name: nginx }
spec:
  controller: weft.dev/ingress-controller
  parameters: { apiGroup: gateway.networking.k8s.io, kind: Gateway, namespace: edge, name: web, scope: Namespace }
`;

function ingress(name: string, path = '/', secret = 'tls', annotation = ''): string {
  return `
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: ${name}, namespace: edge, annotations: { ${annotation} } }
spec:
  ingressClassName: nginx
  tls: [{ hosts: [${name}.example.com], secretName: ${secret} }]
  rules:
    - host: ${name}.example.com
      http: { paths: [{ path: ${path}, pathType: Prefix, backend: { service: { name: web, port: { number: 80 } } } }] }
`;
}

function secret(name: string, chain = 'chain'): string {
  const data = `stringData: { tls.crt: ${chain}, tls.key: key }`;
  return `
---
apiVersion: v1
kind: Secret
metadata: { name: ${name}, namespace: edge }
${data}
`;
}

/** A mesh whose gateway has these hosts, and what is told of each resource of theirs. */
function rig(): {
  readonly mesh: TestMesh;
  readonly told: string[];
  readonly resource: () => GatewayResource;
} {
  const mesh = new TestMesh(classYaml);
  // One by one, as on a cluster: an object that comes again does not stand in another line of a file.
  for (const each of [ingress('a'), ingress('b'), ingress('c', '/', 'other'), secret('tls'), secret('other')])
    mesh.put(each);
  const told: string[] = [];
  const watch = (what: string, asked: string): ReturnType<typeof mesh.hub.watchAsked> =>
    mesh.hub.watchAsked(edge, asked, () => void told.push(what));
  const gateway = watch('gateway', gatewayKey('edge/web'));
  for (const each of ['a', 'b', 'c', 'd']) watch(each, key(`${each}.example.com`));
  for (const name of ['tls', 'other', 'third'])
    watch(name, certificateKey('edge/web', { kind: 'Secret', namespace: 'edge', name }));
  return { mesh, told, resource: () => gateway.value as GatewayResource };
}

test('of thousands of hosts only those are resolved anew that a change is about, whatever it does to the listeners', () => {
  const { mesh, told, resource } = rig();
  const after = (yaml: string): readonly string[] => {
    told.length = 0;
    mesh.put(yaml, 1);
    return told.toSorted();
  };
  const listeners = resource().listeners.length;
  assert.deepEqual(after(ingress('a', '/deeper')), ['a'], 'routes alone');
  assert.deepEqual(after(ingress('d')), ['d', 'gateway'], 'a listener that was not there before');
  assert.equal(resource().listeners.length, listeners + 1);
  assert.deepEqual(after(ingress('d', '/', 'third')), ['gateway', 'third'], 'it names another certificate');
  assert.deepEqual(after(secret('third', 'new')), ['third'], 'what that certificate is');
  assert.deepEqual(after(ingress('c', '/', 'tls')), ['gateway', 'other'], 'nobody names the former one now');
  told.length = 0;
  mesh.delete('networking.k8s.io/v1', 'Ingress', 'edge/d');
  assert.deepEqual(told.toSorted(), ['d', 'gateway', 'third']);
  assert.equal(resource().listeners.length, listeners);
  assert.deepEqual(after(ingress('d')), ['d', 'gateway'], 'after a change in between, too');
});

test('what all listeners have from the class changes all of them', () => {
  const { mesh, told, resource } = rig();
  mesh.put(
    classYaml.replace('name: nginx }', 'name: nginx, annotations: { weft.dev/https-port: "8443" } }'),
    1,
  );
  assert.deepEqual(told.toSorted(), ['a', 'b', 'c', 'gateway']);
  assert.deepEqual(new Set(resource().listeners.map(({ port }) => port)), new Set([80, 8443]));
});

test('connections that are passed on rest on the hosts of their own listener', () => {
  const { mesh, told } = rig();
  const passed = 'nginx.ingress.kubernetes.io/ssl-passthrough: "true"';
  mesh.put(ingress('a', '/', 'tls', passed), 1);
  told.length = 0;
  mesh.put(ingress('e'), 2);
  assert.deepEqual(told.toSorted(), ['gateway']);
  mesh.put(ingress('a'), 3);
  assert.deepEqual(told.toSorted(), ['a', 'gateway', 'gateway']);
});

test('who follows nothing of a gateway any more is not joined for, and who comes again sees what holds then', () => {
  const mesh = new TestMesh([classYaml, ingress('a'), secret('tls')].join(''));
  const first = mesh.hub.watchAsked(edge, key('a.example.com'), () => {});
  assert.equal((first.value as { refused?: string }).refused, undefined);
  first.close();
  mesh.delete('networking.k8s.io/v1', 'Ingress', 'edge/a');
  const second = mesh.hub.watchAsked(edge, key('a.example.com'), () => {});
  assert.match((second.value as { refused: string }).refused, /no listener for this/);
});
