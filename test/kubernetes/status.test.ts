// Statuses on a real API server: the writer alone with a kind of Kubernetes' own, and weft-injector with routes of Gateway API.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { StatusWriter } from '../../src/control-plane/index.ts';
import { KubeClient } from '../../src/kubernetes/index.ts';
import { systemClock } from '../../src/time/index.ts';
import { noApiServer, openApiServer, type TestApiServer } from './support/api-server.ts';
import { crashesOnCustomResources, defineKind } from './support/custom-resources.ts';
import { startInjector } from './support/injector.ts';
import {
  apply,
  good,
  makeAccount,
  makeControlPlaneAccount,
  makeNamespace,
  makePod,
  makeService,
  setEndpoints,
  system,
  tokenOf,
  until,
} from './support/objects.ts';

let api: TestApiServer;

before(async () => {
  if (noApiServer) return;
  api = await openApiServer();
  await makeNamespace(api.client, 'statuses');
});

after(async () => {
  if (!noApiServer) await api.close();
});

const budgets = '/apis/policy/v1/namespaces/statuses/poddisruptionbudgets';
type Fields = Record<string, unknown>;

test('the writer changes the status and nothing else, and says which permission is missing', {
  skip: noApiServer,
}, async context => {
  const { versions } = await good(api.client.call({ path: '/apis/policy' }));
  const served = (versions as { version: string }[]).map(each => each.version);
  const version = served.includes('v1') ? 'v1' : 'v1beta1';
  const path = budgets.replace('/v1/', `/${version}/`);
  const apiVersion = `policy/${version}`;
  const spec = { maxUnavailable: 1, selector: { matchLabels: { app: 'a' } } };
  await apply(api.client, path, { apiVersion, kind: 'PodDisruptionBudget', metadata: { name: 'one' }, spec });
  await makeAccount(api.client, 'statuses', 'nobody');
  const kubeconfig = await api.kubeconfigOf(await tokenOf(api.client, 'statuses', 'nobody'));
  const wish = {
    apiVersion,
    kind: 'PodDisruptionBudget',
    namespace: 'statuses',
    name: 'one',
    content: 7,
    patch: () => ({ currentHealthy: 7, desiredHealthy: 6, expectedPods: 7, disruptionsAllowed: 1 }),
  };
  const stop = new AbortController();
  context.after(() => stop.abort());
  const writers = [api.client, new KubeClient({ kubeconfig })].map(
    client => new StatusWriter({ client, clock: systemClock, wishes: () => [wish], debounceMs: 1 }),
  );
  for (const each of writers) void each.lead(stop.signal);
  await until('the problem', () => writers[1]!.problems().length > 0);
  assert.match(
    writers[1]!.problems()[0]!.message,
    /not allowed to write the status of poddisruptionbudgets\.policy/,
  );
  const read = () => good(api.client.call({ path: `${path}/one` }));
  await until('the status', async () => ((await read()).status as Fields | undefined)?.currentHealthy === 7);
  assert.deepEqual((await read()).spec, spec);
  assert.deepEqual(writers[0]!.problems(), []);
});

test('a route says in its status what became of it, with the permissions that weft install gives', {
  skip: noApiServer,
}, async context => {
  const crashes = await crashesOnCustomResources(api.client);
  if (crashes) {
    context.diagnostic(crashes);
    return;
  }
  const group = 'gateway.networking.k8s.io';
  await defineKind(api.client, { group, version: 'v1', kind: 'HTTPRoute', plural: 'httproutes' });
  await makeService(api.client, 'statuses', 'web', '10.96.88.8');
  const token = await makeControlPlaneAccount(api.client, 'weft-injector');
  const injector = await startInjector(context, await api.kubeconfigOf(token), 'weft-injector-0');
  await injector.served;
  const path = `/apis/${group}/v1/namespaces/statuses/httproutes`;
  const rules = [
    {
      backendRefs: [
        { name: 'web', port: 80 },
        { name: 'gone', port: 80 },
      ],
    },
  ];
  const parentRefs = [{ group: '', kind: 'Service', name: 'web' }];
  const edge = { controllerName: 'example.com/edge', parentRef: { name: 'edge' }, conditions: [] };
  await apply(api.client, path, {
    apiVersion: `${group}/v1`,
    kind: 'HTTPRoute',
    metadata: { name: 'web' },
    spec: { parentRefs, rules },
  });
  await good(
    api.client.call({ method: 'PATCH', path: `${path}/web/status`, body: { status: { parents: [edge] } } }),
  );
  const parents = async () => {
    const { status } = await good(api.client.call({ path: `${path}/web` }));
    return ((status as Fields).parents ?? []) as { controllerName: string; conditions: Fields[] }[];
  };
  await until('the status', async () => (await parents()).length === 2);
  const [theirs, ours] = await parents();
  assert.deepEqual(theirs, edge);
  assert.deepEqual(
    ours!.conditions.map(({ type, status, reason }) => [type, status, reason]),
    [
      ['Accepted', 'True', 'Accepted'],
      ['ResolvedRefs', 'False', 'BackendNotFound'],
    ],
  );
  await makeService(api.client, 'statuses', 'gone', '10.96.88.9');
  await until('the backend', async () => (await parents())[1]?.conditions[1]?.status === 'True');
  const problems = await injector.json<{ code: string }[]>('/debug/problems');
  assert.ok(!problems.some(each => each.code === 'status-not-written'), system);
});

test('a Service whose endpoints all turn unready at once gets an event, which kubectl describe shows', {
  skip: noApiServer,
}, async context => {
  await makeAccount(api.client, 'statuses', 'default');
  await makePod(api.client, 'statuses', 'db-0', '10.244.0.21');
  await makeService(api.client, 'statuses', 'db', '10.96.88.10');
  await setEndpoints(api.client, 'statuses', 'db', { 'db-0': '10.244.0.21' });
  const token = await makeControlPlaneAccount(api.client, 'weft-injector');
  const injector = await startInjector(context, await api.kubeconfigOf(token), 'weft-injector-1');
  await injector.served;
  await until('the leader', () => injector.lines.some(each => /leads/.test(String(each.message))));
  const { metadata } = await good(api.client.call({ path: '/api/v1/namespaces/statuses/services/db' }));
  // The API server itself has something to say about Services, too.
  const query = {
    fieldSelector: `involvedObject.uid=${(metadata as Fields).uid},reason=AllEndpointsUnready`,
  };
  const events = async (): Promise<readonly Fields[]> => {
    const found = await good(api.client.call({ path: '/api/v1/namespaces/statuses/events', query }));
    return (found as unknown as { items: Fields[] }).items;
  };
  await setEndpoints(api.client, 'statuses', 'db', { 'db-0': '10.244.0.21' }, { ready: false });
  await until('the event', async () => (await events()).length > 0);
  const [event] = await events();
  assert.deepEqual(
    [event!.type, event!.reason, (event!.involvedObject as Fields).name],
    ['Warning', 'AllEndpointsUnready', 'db'],
  );
});
