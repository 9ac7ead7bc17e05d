// From objects in an API server to their status there, with everything in between but the election.
import { type TestContext, test } from 'node:test';
import { StatusWriter } from '../control-plane/index.ts';
import { type ResourceType, TYPES } from '../kubernetes/index.ts';
import { FakeApi } from '../kubernetes/testing/fake-api.ts';
import { until } from '../kubernetes/testing/until.ts';
import { KubernetesSource } from '../source/kubernetes/index.ts';
import { silentLog } from '../telemetry/index.ts';
import { systemClock } from '../time/index.ts';
import { policyKinds } from '../translate/index.ts';
import { changesStatuses, statusWishes } from './injector-status.ts';
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

async function setUp(context: TestContext): Promise<FakeApi> {
  const api = new FakeApi([...Object.values(TYPES), routes, grants, rules]);
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
  const pipeline = await startPipeline({ source, ...names, clock, log }, stop.signal);
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
