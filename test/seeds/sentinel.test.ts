// What the seed writes for Sentinel, one file for each of its blocks, as it stands: fragments, an example whose upstream stands
// twice, and a ConfigMap's block that is neither KDL v1 nor v2.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readSentinel } from '../../src/translate/sentinel/index.ts';

const folder = join(import.meta.dirname, 'sentinel');
const read = (name: string) => readSentinel(readFileSync(join(folder, name), 'utf8'), name);
const seeds = globSync('*.kdl', { cwd: folder }).sort();

test('every block of the seed is read as it stands, without an error', () => {
  assert.equal(seeds.length, 15);
  for (const seed of seeds) {
    const { configuration, problems } = read(seed);
    assert.deepEqual(
      problems.filter(each => each.severity === 'error'),
      [],
      seed,
    );
    assert.ok(configuration, seed);
  }
});

test('only what is odd about the blocks is a warning', () => {
  const codes = seeds.flatMap(seed => {
    const found = read(seed).problems.map(each => each.code);
    return found.length === 0 ? [] : [[seed, ...new Set(found)]];
  });
  assert.deepEqual(codes, [
    ['configmap.kdl', 'kdl-v1-keyword'],
    ['consul-connect.kdl', 'sentinel-upstream-tls-in-listener', 'sentinel-unused'],
    ['consul.kdl', 'sentinel-static-beside-discovery'],
  ]);
});

test('the discoveries of the seed are what they say', () => {
  const discoveryOf = (seed: string) => read(`${seed}.kdl`).configuration!.upstreams[0]!.settings.discovery;
  assert.deepEqual(discoveryOf('dns'), {
    kind: 'dns',
    hostname: 'api.default.svc.cluster.local',
    port: 8080,
    refreshMs: 30_000,
  });
  assert.deepEqual(discoveryOf('consul'), {
    kind: 'consul',
    address: 'http://consul.service.consul:8500',
    service: 'backend-api',
    onlyPassing: true,
    refreshMs: 10_000,
    datacenter: 'dc1',
    tag: 'production',
  });
  assert.deepEqual(discoveryOf('kubernetes'), {
    kind: 'kubernetes',
    namespace: 'production',
    service: 'api-server',
    portName: 'http',
    refreshMs: 10_000,
  });
  const file = discoveryOf('kubernetes-kubeconfig');
  assert.equal(file?.kind === 'kubernetes' && file.kubeconfig, '~/.kube/config');
});

test('the health check, the balancing and the TLS of the seed are what they say', () => {
  const upstreamOf = (seed: string) => read(`${seed}.kdl`).configuration!.upstreams[0]!;
  assert.deepEqual(upstreamOf('health-check').settings.healthCheck, {
    probe: { kind: 'http', path: '/health', statuses: [{ min: 200, max: 200 }] },
    intervalMs: 10_000,
    timeoutMs: 5_000,
    healthyThreshold: 2,
    unhealthyThreshold: 3,
  });
  assert.deepEqual(upstreamOf('load-balancing').balancer, { kind: 'least-request' });
  assert.deepEqual(upstreamOf('mtls').tls, {
    mode: 'mutual',
    serverName: 'secure-api.production.svc.cluster.local',
    caFile: '/etc/sentinel/certs/ca.crt',
    certificateFile: '/etc/sentinel/certs/client.crt',
    keyFile: '/etc/sentinel/certs/client.key',
  });
});

test('the ConfigMap has a listener, a route by prefix, and what it says of its upstream', () => {
  const { listeners, routes, upstreams } = read('configmap.kdl').configuration!;
  assert.deepEqual([listeners[0]!.port, listeners[0]!.protocol], [8080, 'http']);
  assert.deepEqual(routes[0]!.matches, [{ path: { kind: 'prefix', value: '/api/' } }]);
  assert.equal(upstreams[0]!.settings.healthCheck?.probe.kind, 'http');
  assert.equal(upstreams[0]!.balancer.kind, 'least-request');
});
