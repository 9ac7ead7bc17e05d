// The seed's TrafficSplit and ServiceProfile, as they stand: what they come to for a caller.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Caller, resolveDestination } from '../../src/resolve/index.ts';
import { meshFromYaml } from '../../src/translate/testing/from-yaml.ts';

const seed = (name: string): string => readFileSync(join(import.meta.dirname, name), 'utf8');
const service = (name: string): string => `
---
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: default}
spec: {clusterIP: None, ports: [{name: http, port: 80}]}
`;
const caller: Caller = { namespace: 'default', labels: {} };

test('the TrafficSplit of the seed shares requests and connections evenly between the two versions', () => {
  const services = ['web-svc', 'web-svc-v1', 'web-svc-v2'].map(service).join('');
  const { mesh, problems } = meshFromYaml(seed('smi-traffic-split.yaml') + services);
  const { routes, tcp } = resolveDestination(mesh, caller, 'web-svc:80').resource;
  const shares = ['v1', 'v2'].map(version => ({
    cluster: `web-svc-${version}.default.svc.cluster.local:80`,
    weight: 500,
  }));
  assert.deepEqual(problems, []);
  assert.deepEqual(
    routes.map(each => each.action),
    [{ kind: 'forward', clusters: shares }],
  );
  assert.deepEqual(tcp, shares);
});

test('the ServiceProfile of the seed gives routes with metrics, a response class, a timeout and the retry budget', () => {
  const { mesh, problems } = meshFromYaml(seed('linkerd-service-profile.yaml') + service('webapp'));
  const { routes, clusters } = resolveDestination(mesh, caller, 'webapp:80').resource;
  const cluster = 'webapp.default.svc.cluster.local:80';
  assert.deepEqual(
    routes.map(({ name, matches, metricsName, timeoutMs, responseClasses, action }) => {
      return { name, matches, metricsName, timeoutMs, responseClasses, action };
    }),
    [
      {
        name: 'GET',
        matches: [{ path: { kind: 'regex', value: '/' }, method: { kind: 'exact', value: 'GET' } }],
        metricsName: 'GET',
        timeoutMs: 0,
        responseClasses: [{ min: 200, max: 299, failure: false }],
        action: { kind: 'forward', clusters: [{ cluster, weight: 1 }] },
      },
      {
        name: 'POST',
        matches: [{ path: { kind: 'regex', value: '/api' }, method: { kind: 'exact', value: 'POST' } }],
        metricsName: 'POST',
        timeoutMs: 30_000,
        responseClasses: undefined,
        action: { kind: 'forward', clusters: [{ cluster, weight: 1 }] },
      },
      {
        name: 'default',
        matches: undefined,
        metricsName: undefined,
        timeoutMs: 0,
        responseClasses: undefined,
        action: { kind: 'forward', clusters: [{ cluster, weight: 1 }] },
      },
    ],
  );
  assert.deepEqual(
    clusters.map(each => each.settings.retryBudget),
    [{ ratio: 0.2, minPerSecond: 10, ttlMs: 10_000 }],
  );
  assert.deepEqual(
    problems.map(each => `${each.severity} ${each.message}`),
    [
      'warning spec.routes[1].retryBudget: retry budgets are for all routes of a Service together; spec.retryBudget holds',
    ],
  );
});
