import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RunningCluster } from '../cluster/index.ts';
import { config, TestClusterHost } from '../cluster/testing/clusters.ts';
import { seeded } from '../cluster/testing/random.ts';
import { meshFromYaml } from '../translate/testing/from-yaml.ts';
import { resolveDestination, resolveEndpoints } from './index.ts';

const yaml = (subsets: string): string => `
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {clusterIP: 10.96.0.5, ports: [{name: http, port: 80}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web, namespace: shop}
spec: {host: web, subsets: [${subsets}]}
`;
const caller = { namespace: 'shop', labels: {} };
const host = 'web.shop.svc.cluster.local';

test('an empty set says why nothing can be in it, and a Service whose pods are not ready says nothing', () => {
  const { mesh } = meshFromYaml(yaml('{name: v2, labels: {v: two}}'));
  const why = (cluster: string): string | undefined => resolveEndpoints(mesh, caller, cluster).resource.why;
  assert.equal(
    why(`${host}:80/v1`),
    'no DestinationRule defines subset v1 of web.shop for this caller (there are: v2)',
  );
  assert.equal(why(`${host}:81`), 'Service web.shop has no port 81 (it has 80)');
  assert.equal(why('gone.shop.svc.cluster.local:80'), 'there is no Service gone.shop');
  assert.equal(
    why('gone.example.com:80'),
    'the mesh knows no host gone.example.com; declare it with a ServiceEntry',
  );
  assert.equal(why(`${host}:80`), undefined);
  assert.equal(why(`${host}:80/v2`), undefined);
  assert.equal(why('web.shop.not-permitted.invalid:80'), undefined);
});

test('the 503 of a cluster has these words, until the subset is defined', () => {
  const cluster = new RunningCluster(config({}, `${host}:80/v1`), new TestClusterHost(seeded(1)));
  const told = (subsets: string): void =>
    cluster.setEndpoints(
      resolveEndpoints(meshFromYaml(yaml(subsets)).mesh, caller, `${host}:80/v1`).resource,
    );
  assert.match(cluster.emptyWords, /are not known yet$/);
  told('');
  assert.match(
    cluster.emptyWords,
    /^no DestinationRule defines subset v1 of web\.shop .*\(there are: none\)/,
  );
  told('{name: v1, labels: {v: one}}');
  assert.equal(cluster.emptyWords, `no endpoint of ${host}:80/v1 is ready (0 of 0)`);
});

test('a destination whose rule names such a subset is one all the same', () => {
  const rule = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec: {hosts: [web], http: [{route: [{destination: {host: web, subset: v1}}]}]}
`;
  const { resource } = resolveDestination(meshFromYaml(`${yaml('')}---${rule}`).mesh, caller, '10.96.0.5:80');
  const [route] = resource.routes;
  assert.ok(route?.action.kind === 'forward');
  assert.deepEqual(
    route.action.clusters.map(each => each.cluster),
    [`${host}:80/v1`],
  );
});
