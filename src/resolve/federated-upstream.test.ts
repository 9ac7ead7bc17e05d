import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClusterEndpoint, OriginatedTls } from '../model/index.ts';
import { meshFromYaml } from '../translate/testing/from-yaml.ts';
import { resolveDestination, resolveEndpoints } from './index.ts';

const caller = { namespace: 'shop', name: 'cart-0', labels: {}, serviceAccount: 'cart' };
const id = 'spiffe://spire.example/region/eu/billing';

function entry(names: readonly string[], more = ''): string {
  return `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: billing, namespace: shop}
spec:
  hosts: [billing.spire.example]
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP}]
  endpoints: [{address: 192.0.2.7${more}}]
  subjectAltNames: ${JSON.stringify(names)}
`;
}

function rule(tls: string): string {
  return `---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: billing, namespace: shop}
spec: {host: billing.spire.example, trafficPolicy: {tls: ${tls}}}
`;
}

/** How the endpoint is called, and by which TLS of the cluster. */
function called(yaml: string): [ClusterEndpoint['tls'], OriginatedTls | undefined] {
  const { mesh, problems } = meshFromYaml(yaml);
  assert.deepEqual(problems, []);
  const { clusters } = resolveDestination(mesh, caller as never, 'billing.spire.example:80').resource;
  const [cluster] = clusters;
  const [endpoint] = resolveEndpoints(mesh, caller as never, cluster!.name).resource.endpoints;
  return [endpoint!.tls, cluster!.settings.tls];
}

test('mutual TLS to a workload of another trust domain expects the names of its ServiceEntry, or of the rule', () => {
  const mutual = rule('{mode: ISTIO_MUTUAL}');
  assert.deepEqual(called(entry([id]) + mutual), ['plaintext', { mode: 'mesh', subjectAltNames: [id] }]);
  const other = 'spiffe://spire.example/other';
  assert.deepEqual(called(entry([id]) + rule(`{mode: ISTIO_MUTUAL, subjectAltNames: ['${other}']}`)), [
    'plaintext',
    { mode: 'mesh', subjectAltNames: [other] },
  ]);
  // Nobody says whom to expect: as for a workload that the mesh does not know.
  assert.deepEqual(called(entry([]) + mutual), ['mesh', undefined]);
  assert.deepEqual(called(entry(['billing.example']) + mutual), ['mesh', undefined]);
  // One of our own proxies, by its service account.
  assert.equal(called(entry([id], ', serviceAccount: billing') + mutual)[0], 'mesh');
});

test('the names of a ServiceEntry count for its own TLS too, unless the rule has some', () => {
  const names = ['billing.example'];
  assert.deepEqual(called(entry(names) + rule('{mode: SIMPLE}')), [
    'plaintext',
    { mode: 'simple', subjectAltNames: names },
  ]);
  assert.deepEqual(
    called(entry(names) + rule("{mode: SIMPLE, subjectAltNames: ['x']}"))[1]?.subjectAltNames,
    ['x'],
  );
  assert.deepEqual(called(entry(names)), ['plaintext', undefined]);
});

test('what is no SPIFFE id is no name of a mesh identity', () => {
  const { problems } = meshFromYaml(entry([id]) + rule("{mode: ISTIO_MUTUAL, subjectAltNames: ['billing']}"));
  assert.match(problems[0]!.message, /subjectAltNames\[0\]: 'billing' is no SPIFFE id/);
});
