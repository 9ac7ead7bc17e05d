import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { clusterRules, installOptions, ownRules } from '../../../src/cli/install/index.ts';
import { revisionOfInjector } from '../../../src/config/index.ts';
import { ApiError, type ApiObject, type KubeClient } from '../../../src/kubernetes/index.ts';

/** Where the control plane under test believes to run. */
export const system = 'weft-system';

/** The answer, which must not be an error. */
export async function good(answer: Promise<ApiObject | ApiError>): Promise<ApiObject> {
  const found = await answer;
  if (found instanceof ApiError) throw found;
  return found;
}

/** Creates an object, or leaves the one that is there. */
export async function apply(client: KubeClient, path: string, object: object): Promise<void> {
  const answer = await client.call({ method: 'POST', path, body: object });
  if (answer instanceof ApiError && answer.code !== 'api-already-exists') throw answer;
}

export async function makeNamespace(client: KubeClient, name: string): Promise<void> {
  await apply(client, '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
}

export async function makeAccount(client: KubeClient, namespace: string, name: string): Promise<void> {
  const object = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } };
  await apply(client, `/api/v1/namespaces/${namespace}/serviceaccounts`, object);
}

/** A token of the ServiceAccount, for a pod when one is named. */
export async function tokenOf(
  client: KubeClient,
  namespace: string,
  account: string,
  { audience, pod }: { audience?: string; pod?: { name: string; uid: string } } = {},
): Promise<string> {
  const boundObjectRef = pod && { kind: 'Pod', apiVersion: 'v1', name: pod.name, uid: pod.uid };
  const answer = await good(
    client.call({
      method: 'POST',
      path: `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`,
      body: {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: {
          audiences: audience ? [audience] : [],
          expirationSeconds: 3600,
          ...(pod && { boundObjectRef }),
        },
      },
    }),
  );
  return (answer.status as { token: string }).token;
}

/**
 * The account of the control plane with exactly the roles that `weft install` gives it; `leaveOut` resources of them. `issuer`:
 * the text of `weft install --issuer`.
 */
export async function makeControlPlaneAccount(
  client: KubeClient,
  name: string,
  leaveOut: readonly string[] = [],
  issuer = '',
): Promise<string> {
  await makeNamespace(client, system);
  await makeAccount(client, system, name);
  const options = installOptions({ issuer, revision: revisionOfInjector(name) ?? 'default' });
  const group = 'rbac.authorization.k8s.io';
  const root = `/apis/${group}/v1`;
  const subjects = [{ kind: 'ServiceAccount', name, namespace: system }];
  const without = (rules: readonly { why: string; resources: readonly string[] }[]) =>
    rules.flatMap(({ why: _, ...rule }) => {
      const resources = rule.resources.filter(each => !leaveOut.includes(each));
      return resources.length === 0 ? [] : [{ ...rule, resources }];
    });
  const metadata = { name };
  const ref = (kind: string) => ({ apiGroup: group, kind, name });
  const own = `${root}/namespaces/${system}`;
  await apply(client, `${root}/clusterroles`, { metadata, rules: without(clusterRules(options)) });
  await apply(client, `${root}/clusterrolebindings`, { metadata, subjects, roleRef: ref('ClusterRole') });
  await apply(client, `${own}/roles`, { metadata, rules: without(ownRules(options)) });
  await apply(client, `${own}/rolebindings`, { metadata, subjects, roleRef: ref('Role') });
  return tokenOf(client, system, name);
}

/** A pod that runs as far as anybody can tell from its object. */
export async function makePod(
  client: KubeClient,
  namespace: string,
  name: string,
  ip: string,
  {
    account = 'default',
    labels = {},
    meshed = true,
    spec = {},
  }: { account?: string; labels?: object; meshed?: boolean; spec?: object } = {},
): Promise<{ name: string; uid: string }> {
  const made = await good(
    client.call({
      method: 'POST',
      path: `/api/v1/namespaces/${namespace}/pods`,
      body: {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, labels, annotations: meshed ? { 'weft.dev/status': '{}' } : {} },
        spec: { serviceAccountName: account, containers: [{ name: 'app', image: 'none' }], ...spec },
      },
    }),
  );
  await setPodStatus(client, namespace, name, {
    phase: 'Running',
    podIP: ip,
    podIPs: [{ ip }],
    conditions: [{ type: 'Ready', status: 'True' }],
  });
  return { name, uid: (made.metadata as { uid: string }).uid };
}

export async function setPodStatus(
  client: KubeClient,
  namespace: string,
  name: string,
  status: object,
): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}/pods/${name}/status`;
  await good(client.call({ method: 'PATCH', path, body: { status } }));
}

/** A Service with a fixed address, and the Endpoints and EndpointSlice that controllers would make of these pods. */
export async function makeService(
  client: KubeClient,
  namespace: string,
  name: string,
  clusterIP: string,
): Promise<void> {
  const spec = { clusterIP, ports: [{ name: 'http', port: 80 }] };
  await apply(client, `/api/v1/namespaces/${namespace}/services`, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec,
  });
}

/** Both kinds, so that the test is the same for old and new servers. */
export async function setEndpoints(
  client: KubeClient,
  namespace: string,
  service: string,
  pods: Readonly<Record<string, string>>,
  { port = 8080, ready = true }: { port?: number; ready?: boolean } = {},
): Promise<void> {
  const target = (name: string) => ({ kind: 'Pod', name, namespace });
  const entries = Object.entries(pods);
  const endpoints = {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { name: service },
    subsets:
      entries.length === 0
        ? []
        : [
            {
              [ready ? 'addresses' : 'notReadyAddresses']: entries.map(([name, ip]) => ({
                ip,
                targetRef: target(name),
              })),
              ports: [{ name: 'http', port }],
            },
          ],
  };
  await put(client, `/api/v1/namespaces/${namespace}/endpoints`, endpoints);
  const groups = await good(client.call({ path: '/apis/discovery.k8s.io' }));
  const versions = (groups.versions as { version: string }[]).map(each => each.version);
  if (!versions.includes('v1')) return;
  await put(client, `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`, {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${service}-1`, labels: { 'kubernetes.io/service-name': service } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port }],
    endpoints: entries.map(([name, ip]) => ({
      addresses: [ip],
      conditions: { ready },
      targetRef: target(name),
    })),
  });
}

async function put(
  client: KubeClient,
  collection: string,
  object: {
    readonly metadata: { readonly name: string; readonly [field: string]: unknown };
    readonly [field: string]: unknown;
  },
): Promise<void> {
  const answer = await client.call({
    method: 'PUT',
    path: `${collection}/${object.metadata.name}`,
    body: object,
  });
  if (!(answer instanceof ApiError)) return;
  assert.equal(answer.status, 404, answer.message);
  await apply(client, collection, object);
}

/** Waits until the condition holds, at most 60 s. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const limitMs = performance.now() + 60_000;
  while (!(await condition())) {
    if (performance.now() > limitMs) throw new Error(`waited in vain: ${what}`);
    await sleep(50);
  }
}
