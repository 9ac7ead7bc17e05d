import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldAt, recordsOf } from '../plain/index.ts';
import { changesOf } from '../translate/testing/from-yaml.ts';
import { Translator } from '../translate/translator.ts';
import { wantedGateways } from './injector-gateways.ts';

const installation = {
  ...{ systemNamespace: 'weft-system', proxyImage: 'weft-proxy:1', imagePullPolicy: 'IfNotPresent' },
  ...{ trustDomain: 'cluster.local', clusterDomain: 'cluster.local', logLevel: 'info', accessLog: 'off' },
  policyVersion: 'policy/v1',
};

function gatewayOf(name: string, spec: string, more = ''): string {
  return `---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: ${name}, namespace: shop, uid: uid-${name}${more} }
spec: { ${spec}, listeners: [{ name: http, port: 80, protocol: HTTP }, { name: no, port: 81, protocol: SCTP }] }
`;
}

const yaml = `
${gatewayOf('edge', 'gatewayClassName: weft')}
${gatewayOf('foreign', 'gatewayClassName: other')}
${gatewayOf('by-hand', 'gatewayClassName: weft', ', annotations: { weft.dev/deploy: none }')}
${gatewayOf('no-settings', 'gatewayClassName: weft, infrastructure: { parametersRef: { group: "", kind: ConfigMap, name: gone } }')}
${gatewayOf('odd-address', 'gatewayClassName: weft, addresses: [{ type: example.com/name, value: x }]')}
${gatewayOf('large', 'gatewayClassName: weft, infrastructure: { parametersRef: { group: "", kind: ConfigMap, name: large } }')}
---
apiVersion: v1
kind: ConfigMap
metadata: { name: large, namespace: shop }
data: { gateway.yaml: "replicas: 7" }
`;

function wanted(namespaces: 'all' | readonly string[], more = ''): ReturnType<typeof wantedGateways> {
  const changes = changesOf(yaml + more);
  const { mesh } = new Translator().apply(changes);
  const stored = changes.flatMap(each => (each.type === 'put' ? [each.stored] : []));
  const registry = { list: (kind: string) => stored.filter(each => kind.startsWith(`${each.object.kind}.`)) };
  return wantedGateways({ registry, mesh } as never, namespaces, installation);
}

test('Gateways of ours are deployed, but for those by hand; of those that cannot be as they stand, what runs stays', () => {
  const found = new Map(wanted('all').map(each => [each.gateway, each.objects]));
  assert.deepEqual(
    [...found].map(([gateway, objects]) => `${gateway} ${objects === undefined ? 'stays' : 'is kept'}`),
    ['shop/edge is kept', 'shop/no-settings stays', 'shop/odd-address stays', 'shop/large is kept'],
  );
  const of = (gateway: string, kind: string): unknown => found.get(gateway)!.find(each => each.kind === kind);
  const ports = recordsOf(fieldAt(of('shop/edge', 'Service'), 'spec', 'ports'));
  assert.deepEqual(
    ports.map(each => each.port),
    [80],
  );
  assert.equal(fieldAt(of('shop/large', 'Deployment'), 'spec', 'replicas'), 7);
});

test('namespaces that nobody named have nothing of it', () => {
  assert.deepEqual(wanted(['blog']), []);
  assert.equal(wanted(['shop']).length, 4);
});

test('the Service has the ports of ListenerSets that the Gateway lets in, and of no others', () => {
  const set = (name: string, to: string, port: number): string => `---
apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: { name: ${name}, namespace: shop }
spec: { parentRef: { name: ${to} }, listeners: [{ name: more, port: ${port}, protocol: TCP }] }
`;
  const open = gatewayOf('open', 'gatewayClassName: weft, allowedListeners: { namespaces: { from: Same } }');
  const found = wanted('all', `${open}${set('in', 'open', 9000)}${set('out', 'edge', 9001)}`);
  const ports = (gateway: string): readonly unknown[] => {
    const service = found
      .find(each => each.gateway === gateway)!
      .objects!.find(each => each.kind === 'Service');
    return recordsOf(fieldAt(service, 'spec', 'ports')).map(each => each.port);
  };
  assert.deepEqual(ports('shop/open'), [80, 9000]);
  assert.deepEqual(ports('shop/edge'), [80]);
});

test('the Service goes without a port that no proxy can open', () => {
  const spec = 'gatewayClassName: weft, allowedListeners: { namespaces: { from: Same } }';
  const set = `---
apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: { name: more, namespace: shop }
spec:
  parentRef: { name: open }
  listeners:
  - { name: own, port: 7020, protocol: TCP }
  - { name: datagrams, port: 7020, protocol: UDP }
  - { name: beyond, port: 60000, protocol: TCP }
  - { name: last, port: 57535, protocol: TCP }
`;
  const service = wanted('all', gatewayOf('open', spec) + set)
    .find(each => each.gateway === 'shop/open')!
    .objects!.find(each => each.kind === 'Service');
  assert.deepEqual(
    recordsOf(fieldAt(service, 'spec', 'ports')).map(each => `${each.name} ${each.targetPort}`),
    ['port-80 8080', 'udp-7020 15020', 'port-57535 65535'],
  );
});
