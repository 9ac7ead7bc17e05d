// From endpoints in an API server to an event about their Service there.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { apiEventSink, EventReporter, kubeApiOf } from '../../webhook/index.ts';
import { type ResourceType, TYPES } from '../kubernetes/index.ts';
import { FakeApi, type FakeObject } from '../kubernetes/testing/fake-api.ts';
import { until } from '../kubernetes/testing/until.ts';
import { KubernetesSource } from '../source/kubernetes/index.ts';
import { silentLog } from '../telemetry/index.ts';
import { systemClock } from '../time/index.ts';
import { policyKinds } from '../translate/index.ts';
import { watchUnready } from './injector-endpoints.ts';
import { startPipeline } from './pipeline.ts';

const eventType: ResourceType = {
  group: '',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  namespaced: true,
};

type State = 'ready' | 'unready' | 'ends';

function slice(service: string, states: readonly State[]): FakeObject {
  return {
    metadata: {
      name: `${service}-1`,
      namespace: 'shop',
      labels: { 'kubernetes.io/service-name': service },
    },
    addressType: 'IPv4',
    ports: [{ name: '', port: 8080, protocol: 'TCP' }],
    endpoints: states.map((state, index) => ({
      addresses: [`10.1.0.${index + 1}`],
      conditions: { ready: state === 'ready', serving: state === 'ready', terminating: state === 'ends' },
      targetRef: { kind: 'Pod', name: `${service}-${index}`, namespace: 'shop' },
    })),
  };
}

interface Setup {
  readonly api: FakeApi;
  /** Puts the endpoints, and waits until the mesh has them. */
  set(service: string, states: readonly State[]): Promise<void>;
  events(): readonly string[];
  leads: boolean;
}

async function setUp(context: TestContext): Promise<Setup> {
  const api = new FakeApi([...Object.values(TYPES), eventType]);
  await api.start();
  const stop = new AbortController();
  context.after(async () => {
    stop.abort();
    await api.stop();
  });
  api.put(TYPES.namespace, { metadata: { name: 'shop' } });
  for (const [name, meshed] of [
    ['web', true],
    ['plain', false],
  ] as const) {
    const spec = { clusterIP: meshed ? '10.0.0.1' : '10.0.0.2', ports: [{ port: 80 }] };
    api.put(TYPES.service, { metadata: { name, namespace: 'shop', uid: `uid-${name}` }, spec });
    const annotations = meshed ? { 'weft.dev/status': '{}' } : {};
    for (const index of [0, 1])
      api.put(TYPES.pod, {
        metadata: { name: `${name}-${index}`, namespace: 'shop', annotations },
        spec: { containers: [{ name: 'app' }] },
        status: { phase: 'Running', podIP: `10.1.0.${index + 1}` },
      });
    api.put(TYPES.endpointSlice, slice(name, ['ready', 'ready']));
  }
  const client = api.client();
  const [clock, log] = [systemClock, silentLog];
  const source = new KubernetesSource({ client, clock, log, policyKinds, lookEveryMs: 50 });
  const names = { trustDomain: 'cluster.local', clusterDomain: 'cluster.local' };
  const pipeline = await startPipeline({ sources: [source], ...names, clock, log }, stop.signal);
  const sink = apiEventSink(kubeApiOf(client), clock, 'weft-injector-0');
  const reporter = new EventReporter({ sink, clock, log, quietMs: 3_600_000 });
  const setup: Setup = {
    api,
    leads: true,
    async set(service, states) {
      api.put(TYPES.endpointSlice, slice(service, states));
      const wanted = states.map(each => each === 'ready').join();
      await until(`${service} ${wanted}`, () => {
        const now = pipeline.mesh.services.get(`shop/${service}`)?.endpoints.get(80) ?? [];
        return now.map(each => each.ready).join() === wanted;
      });
    },
    events: () =>
      api.calls
        .filter(({ method, path }) => method === 'POST' && path === '/api/v1/namespaces/shop/events')
        .map(({ body }) => {
          const { involvedObject, type, reason } = body as {
            involvedObject: Record<string, string>;
            type: string;
            reason: string;
          };
          const { kind, namespace, name, uid } = involvedObject;
          return `${type} ${reason} ${kind} ${namespace}/${name} ${uid}`;
        }),
  };
  watchUnready(
    pipeline,
    () => setup.leads,
    event => reporter.report(event),
  );
  return setup;
}

const told = 'Warning AllEndpointsUnready Service shop/web uid-web';

test('all endpoints of a Service that turn unready at once are an event about it, once', async context => {
  const setup = await setUp(context);
  await setup.set('web', ['unready', 'unready']);
  await until('the event', () => setup.events().length > 0);
  await setup.set('web', ['ready', 'unready']);
  // The last one that was ready, too.
  await setup.set('web', ['unready', 'unready']);
  assert.deepEqual(setup.events(), [told]);
});

test('who ends, is partly ready, has nothing to do with the mesh, or is told of by another replica is no event', async context => {
  const setup = await setUp(context);
  await setup.set('web', ['ready', 'unready']);
  await setup.set('web', ['ends', 'unready']);
  await setup.set('web', ['ready', 'ready']);
  await setup.set('web', []);
  await setup.set('web', ['ready', 'ready']);
  await setup.set('plain', ['unready', 'unready']);
  setup.leads = false;
  await setup.set('web', ['unready', 'unready']);
  setup.leads = true;
  await setup.set('web', ['ready', 'ready']);
  await setup.set('web', ['unready', 'unready']);
  await until('the event', () => setup.events().length > 0);
  assert.deepEqual(setup.events(), [told]);
});
