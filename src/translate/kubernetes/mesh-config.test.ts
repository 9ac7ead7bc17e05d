import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Mesh, Problem } from '../../model/index.ts';
import { meshFromYaml } from '../testing/from-yaml.ts';

function configMap(namespace: string, name: string, mesh: string): string {
  return `apiVersion: v1
kind: ConfigMap
metadata: {name: ${name}, namespace: ${namespace}}
data:
  mesh: ${JSON.stringify(mesh)}
`;
}

const said = (mode: string): string => `pathNormalization:\n  normalization: ${mode}\n`;

function read(...maps: readonly string[]): { mesh: Mesh; problems: readonly Problem[] } {
  return meshFromYaml(maps.join('---\n'), 'mesh.yaml');
}

test("Istio's mesh config says how paths are normalised, and Weft's own goes over it", () => {
  assert.equal(read('').mesh.pathNormalization, 'BASE');
  const istio = configMap('istio-system', 'istio', `trustDomain: x\n${said('MERGE_SLASHES')}`);
  assert.equal(read(istio).mesh.pathNormalization, 'MERGE_SLASHES');
  assert.deepEqual(read(istio).problems, []);
  const own = configMap('weft-system', 'weft-mesh', said('NONE'));
  for (const both of [
    [istio, own],
    [own, istio],
  ])
    assert.equal(read(...both).mesh.pathNormalization, 'NONE');
  const silent = configMap('weft-system', 'weft-mesh', '');
  assert.equal(read(silent, istio).mesh.pathNormalization, 'MERGE_SLASHES');
  assert.equal(read(configMap('istio-system', 'istio', said('DEFAULT'))).mesh.pathNormalization, 'BASE');
});

test('whether requests of HTTP/1 are upgraded between proxies', () => {
  assert.equal(read('').mesh.h2Upgrade, false);
  const istio = configMap('istio-system', 'istio', 'h2UpgradePolicy: UPGRADE');
  assert.equal(read(istio).mesh.h2Upgrade, true);
  const own = configMap('weft-system', 'weft-mesh', 'h2UpgradePolicy: DO_NOT_UPGRADE');
  assert.equal(read(istio, own).mesh.h2Upgrade, false);
  assert.deepEqual(read(istio, own).problems, []);
});

test('trust domains of others, from PEM and from bundle endpoints, in Istio’s words', () => {
  const istio = configMap(
    'istio-system',
    'istio',
    `caCertificates:
- trustDomains: [a.example, b.example]
  pem: PEM
- trustDomains: [a.example]
  spiffeBundleUrl: https://a.example/bundle
  endpointSpiffeId: spiffe://a.example/server
`,
  );
  const { mesh, problems } = read(istio);
  assert.deepEqual(problems, []);
  const endpoints = [{ url: 'https://a.example/bundle', spiffeId: 'spiffe://a.example/server' }];
  assert.deepEqual(mesh.federation, [
    { trustDomain: 'a.example', roots: ['PEM'], endpoints },
    { trustDomain: 'b.example', roots: ['PEM'], endpoints: [] },
  ]);
  assert.deepEqual(
    read(istio, configMap('weft-system', 'weft-mesh', 'caCertificates: []')).mesh.federation,
    [],
  );
  const bad = configMap(
    'weft-system',
    'weft-mesh',
    `caCertificates:
- {pem: PEM}
- {trustDomains: [c.example]}
- {trustDomains: ['spiffe://d'], pem: PEM}
- {trustDomains: [e.example], spiffeBundleUrl: 'http://e.example/'}
- {trustDomains: [f.example], spiffeBundleUrl: 'https://f.example/', endpointSpiffeId: 'spiffe://f/../x'}
- {trustDomains: [g.example], endpointSpiffeId: 'spiffe://g/x'}
`,
  );
  assert.deepEqual(
    read(bad)
      .problems.map(({ severity, path }) => `${severity} ${path}`)
      .sort(),
    [
      'error data.mesh.caCertificates[1]',
      'error data.mesh.caCertificates[2].trustDomains[0]',
      'error data.mesh.caCertificates[3].spiffeBundleUrl',
      'error data.mesh.caCertificates[4].endpointSpiffeId',
      'error data.mesh.caCertificates[5].spiffeBundleUrl',
      'warning data.mesh.caCertificates[0]',
    ],
  );
});

test('ConfigMaps of others say nothing, whatever they hold', () => {
  const { mesh, problems } = read(
    configMap('shop', 'istio', said('NONE')),
    configMap('istio-system', 'mesh', said('NONE')),
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\ndata: {other: x}\n',
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: weft-system}\n',
  );
  assert.equal(mesh.pathNormalization, 'BASE');
  assert.deepEqual(problems, []);
});

test('what cannot be read is named with its place, and a field that has no effect too', () => {
  const messages = (name: string, text: string): readonly string[] =>
    read(configMap('weft-system', name, text)).problems.map(({ severity, path }) => `${severity} ${path}`);
  assert.deepEqual(messages('weft-mesh', said('base')), ['error data.mesh.pathNormalization.normalization']);
  assert.deepEqual(messages('weft-mesh', 'a: [1'), ['error data.mesh']);
  assert.deepEqual(messages('weft-mesh', '- 1'), ['error data.mesh']);
  assert.deepEqual(messages('weft-mesh', 'ingressClass: x'), ['warning data.mesh.ingressClass']);
  assert.deepEqual(messages('istio', 'enableTracing: true'), []);
});
