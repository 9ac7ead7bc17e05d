// What analysis once said of things that are well.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findingsOf } from './testing/findings-of.ts';

const service = `
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec: {selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, ports: [{containerPort: 8080}]}]}}}
---
`;
const codes = (yaml: string): readonly string[] => findingsOf(service + yaml).map(({ code }) => code);

test('a site of the world does not look like a Service, and a Service with its namespace does', () => {
  const entry = (host: string) =>
    `{apiVersion: networking.istio.io/v1, kind: ServiceEntry, metadata: {name: a, namespace: shop}, spec: {hosts: [${host}], resolution: DNS, ports: [{number: 443, name: tls, protocol: TLS}]}}`;
  for (const host of ['wikipedia.org', 'example.de', 'github.dev'])
    assert.deepEqual(codes(entry(host)), [], host);
  const rule =
    '{apiVersion: networking.istio.io/v1, kind: DestinationRule, metadata: {name: a, namespace: other}, spec: {host: web.shop}}';
  assert.ok(codes(rule).includes('host-looks-short'));
});

test('subsets by zone are not empty because a folder of YAML has no nodes', () => {
  const rule =
    '{apiVersion: networking.istio.io/v1, kind: DestinationRule, metadata: {name: web, namespace: shop}, spec: {host: web, subsets: [{name: a, labels: {topology.kubernetes.io/zone: eu-1a}}]}}';
  assert.deepEqual(codes(rule), []);
});

test('shadowed rules for TLS and TCP are found, and those that are not shadowed are not', () => {
  const rules = (tls: string, tcp = '[]') =>
    codes(
      `{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {name: web, namespace: shop}, spec: {hosts: [web.example.com, a.example.com], tls: ${tls}, tcp: ${tcp}}}`,
    ).filter(each => each === 'rule-shadowed').length;
  const to = 'route: [{destination: {host: web}}]';
  const tls = (names: string, port = '') => `{match: [{sniHosts: [${names}]${port}}], ${to}}`;
  assert.equal(rules(`[${tls("'*.example.com'")}, ${tls('a.example.com')}]`) > 0, true);
  assert.equal(rules(`[${tls('a.example.com')}, ${tls("'*.example.com'")}]`), 0);
  assert.equal(rules(`[${tls("'*.example.com'", ', port: 443')}, ${tls('a.example.com')}]`), 0);
  assert.equal(rules('[]', `[{${to}}, {match: [{port: 3306}], ${to}}]`) > 0, true);
  assert.equal(rules('[]', `[{match: [{port: 3306}], ${to}}, {match: [{port: 3307}], ${to}}]`), 0);
});
