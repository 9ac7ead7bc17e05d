// From objects in an API server to their status there, with everything in between but the election.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { StatusWriter } from '../control-plane/index.ts';
import { type ResourceType, TYPES } from '../kubernetes/index.ts';
import { FakeApi } from '../kubernetes/testing/fake-api.ts';
import { until } from '../kubernetes/testing/until.ts';
import { problem } from '../model/index.ts';
import { KubernetesSource } from '../source/kubernetes/index.ts';
import { silentLog } from '../telemetry/index.ts';
import { systemClock } from '../time/index.ts';
import { type ObjectStatus, policyKinds } from '../translate/index.ts';
import {
  authorityEvents,
  changesStatuses,
  policyEvent,
  proxyProblems,
  statusWishes,
} from './injector-status.ts';
import { startPipeline } from './pipeline.ts';

const gatewayType = (kind: string, plural: string): ResourceType => ({
  group: 'gateway.networking.k8s.io',
  version: 'v1',
  kind,
  plural,
  namespaced: true,
});
const routes = gatewayType('HTTPRoute', 'httproutes');
const grants = gatewayType('ReferenceGrant', 'referencegrants');
const rules: ResourceType = {
  group: 'networking.istio.io',
  version: 'v1',
  kind: 'DestinationRule',
  plural: 'destinationrules',
  namespaced: true,
};

const service = (name: string, namespace: string) => ({
  metadata: { name, namespace },
  spec: { clusterIP: '10.0.0.1', ports: [{ port: 80 }] },
});
const route = (backend: object, generation: number) => ({
  metadata: { name: 'web', namespace: 'shop', generation },
  spec: { parentRefs: [{ group: '', kind: 'Service', name: 'web' }], rules: [{ backendRefs: [backend] }] },
});

async function start(context: TestContext, more: readonly ResourceType[] = []) {
  const api = new FakeApi([...Object.values(TYPES), routes, grants, rules, ...more]);
  await api.start();
  api.put(TYPES.namespace, { metadata: { name: 'shop' } });
  api.put(TYPES.service, service('web', 'shop'));
  api.put(TYPES.service, service('db', 'other'));
  const stop = new AbortController();
  context.after(async () => {
    stop.abort();
    await api.stop();
  });
  const client = api.client();
  const [clock, log] = [systemClock, silentLog];
  const source = new KubernetesSource({ client, clock, log, policyKinds, lookEveryMs: 50 });
  const names = { trustDomain: 'cluster.local', clusterDomain: 'cluster.local' };
  const pipeline = await startPipeline({ sources: [source], ...names, clock, log }, stop.signal);
  return { api, pipeline, client, clock, stop };
}

async function setUp(context: TestContext): Promise<FakeApi> {
  const { api, pipeline, client, clock, stop } = await start(context);
  const wishes = () => statusWishes(pipeline, clock);
  const writer = new StatusWriter({ client, clock, wishes, debounceMs: 5 });
  pipeline.registry.subscribe(({ changes }) => {
    if (changesStatuses(changes.map(each => each.kind))) writer.changed();
  });
  void writer.lead(stop.signal);
  return api;
}

type Condition = { type: string; status: string; reason: string; observedGeneration?: number };

function conditionsOf(api: FakeApi): string[] {
  const status = api.read(routes, 'shop', 'web')?.status as
    | { parents?: { conditions: Condition[] }[] }
    | undefined;
  const [parent] = status?.parents ?? [];
  return (parent?.conditions ?? []).map(each => `${each.type} ${each.reason} ${each.observedGeneration}`);
}

async function shows(api: FakeApi, expected: readonly string[]): Promise<void> {
  await until(expected.join(), () => JSON.stringify(conditionsOf(api)) === JSON.stringify(expected));
}

test('a route tells what became of it, and follows what others change', async context => {
  const api = await setUp(context);
  api.put(routes, route({ name: 'web', port: 80 }, 1));
  await shows(api, ['Accepted Accepted 1', 'ResolvedRefs ResolvedRefs 1']);
  api.put(routes, {
    ...route({ name: 'db', namespace: 'other', port: 80 }, 2),
    status: api.read(routes, 'shop', 'web')!.status,
  });
  await shows(api, ['Accepted Accepted 2', 'ResolvedRefs RefNotPermitted 2']);
  api.put(grants, {
    metadata: { name: 'shop', namespace: 'other' },
    spec: {
      from: [{ group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', namespace: 'shop' }],
      to: [{ group: '', kind: 'Service' }],
    },
  });
  await shows(api, ['Accepted Accepted 2', 'ResolvedRefs ResolvedRefs 2']);
  api.remove(TYPES.service, 'other', 'db');
  await shows(api, ['Accepted Accepted 2', 'ResolvedRefs BackendNotFound 2']);
  api.remove(TYPES.service, 'shop', 'web');
  await shows(api, ['Accepted NoMatchingParent 2', 'ResolvedRefs BackendNotFound 2']);
});

test('of two DestinationRules for one host the younger says that the older won', async context => {
  const api = await setUp(context);
  for (const [name, second] of [
    ['first', 1],
    ['second', 2],
  ] as const) {
    api.put(rules, {
      metadata: { name, namespace: 'shop', creationTimestamp: `2026-01-01T00:00:0${second}Z` },
      spec: { host: 'web', trafficPolicy: { connectionPool: { tcp: { maxConnections: second } } } },
    });
  }
  const said = (name: string) =>
    (
      api.read(rules, 'shop', name)?.status as
        | { conditions?: { reason: string; message: string }[] }
        | undefined
    )?.conditions?.[0];
  await until('the winner named', () =>
    /DestinationRule first\.shop .*older/.test(said('second')?.message ?? ''),
  );
  await until('the winner', () => said('first')?.reason === 'Accepted');
});

test('what proxies refuse, and subsets that nobody defines, stand in the status and make an event about the object', async context => {
  const vs: ResourceType = { ...rules, kind: 'VirtualService', plural: 'virtualservices' };
  const { api, pipeline } = await start(context, [vs]);
  api.put(vs, {
    metadata: { name: 'web', namespace: 'shop', uid: 'u1' },
    spec: { hosts: ['web'], http: [{ route: [{ destination: { host: 'web', subset: 'v1' } }] }] },
  });
  await until('the object', () => pipeline.mesh.routeTables.size > 0);
  const heard: ObjectStatus[] = [];
  const refused = () =>
    proxyProblems(pipeline, [
      { pod: 'shop/a', key: '10.0.0.1:80', reason: 'VirtualService web.shop, route web/0: no' },
    ]);
  const [wish] = statusWishes(pipeline, systemClock, { refused, heard: each => heard.push(each) });
  assert.match(
    JSON.stringify(wish!.content),
    /TargetsMissing.*the proxy of shop\/a does not take this.*subset v1/,
  );
  const event = policyEvent(heard[0]!)!;
  assert.deepEqual(event.about, {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    name: 'web',
    uid: 'u1',
  });
  assert.match(
    `${event.type} ${event.reason} ${event.message}`,
    /^Warning PolicyNotInEffect .*; and 1 more$/,
  );
});

test('what rules of authorization mean on ports of bytes stands in the status of their policy', async context => {
  const policies: ResourceType = {
    group: 'security.istio.io',
    version: 'v1',
    kind: 'AuthorizationPolicy',
    plural: 'authorizationpolicies',
    namespaced: true,
  };
  const { api, pipeline } = await start(context, [policies]);
  const labels = { app: 'redis' };
  api.put(TYPES.pod, {
    metadata: { name: 'redis-0', namespace: 'shop', labels },
    spec: { containers: [{ name: 'app', ports: [{ name: 'tcp-redis', containerPort: 6379 }] }] },
    status: { podIP: '10.0.0.9' },
  });
  const put = (name: string, spec: object) =>
    api.put(policies, {
      metadata: { name, namespace: 'shop' },
      spec: { selector: { matchLabels: labels }, ...spec },
    });
  const get = [{ to: [{ operation: { methods: ['GET'] } }] }];
  put('allow', { rules: get });
  put('deny', { action: 'DENY', rules: get });
  put('elsewhere', { rules: [{ to: [{ operation: { methods: ['GET'], ports: ['80'] } }] }] });
  await until('all of them', () => pipeline.mesh.authorizationPolicies.get('shop')?.length === 3);
  await until('the pod', () => pipeline.mesh.workloads.size === 1);
  const said = statusWishes(pipeline, systemClock).map(
    ({ name, content }) => `${name} ${JSON.stringify(content)}`,
  );
  const on = 'port 6379 of Pod redis-0\\.shop carries bytes that are not read';
  assert.match(
    said[0]!,
    new RegExp(`^allow .*PartiallyAccepted.*spec.rules\\[0\\]: .*${on}: ALLOW leaves this rule out`),
  );
  assert.match(said[1]!, new RegExp(`^deny .*PartiallyAccepted.*${on}: DENY asks this rule without that`));
  assert.match(said[2]!, /^elsewhere .*"reason":"Accepted"/);
});

test('an authority that runs out is an event about the control plane', () => {
  const alarms = [
    problem('ca-expiring', 'it expires', { severity: 'warning' }),
    problem('ca-expired', 'it has'),
  ];
  assert.deepEqual(
    authorityEvents(alarms, { namespace: 'weft-system', revision: 'canary' }).map(
      ({ reason, type, about }) => [reason, type, about.kind, about.name],
    ),
    [
      ['AuthorityExpiring', 'Warning', 'Deployment', 'weft-injector-canary'],
      ['AuthorityExpired', 'Warning', 'Deployment', 'weft-injector-canary'],
    ],
  );
});
