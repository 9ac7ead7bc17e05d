// The namespace `cases`: labelled from the start and in strict mode, with small programs of our own (apps/) in a ConfigMap.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineKind } from '../support/custom-resources.ts';
import type { Claim } from './claim.ts';
import { type Cluster, isReady, type Pod, until } from './cluster.ts';

export const CASES = 'cases';

/** The kind that says strict; the cluster need not have it. */
const strictness = {
  group: 'security.istio.io',
  version: 'v1beta1',
  kind: 'PeerAuthentication',
  plural: 'peerauthentications',
};

const apps = ['target.mjs', 'ask.mjs', 'neighbour.mjs'] as const;

/** A container of one of the programs; `more` is merged into it. */
export function container(image: string, name: string, args: readonly string[], more: object = {}): object {
  return {
    name,
    image,
    command: ['node', ...args],
    env: [{ name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
    volumeMounts: [{ name: 'apps', mountPath: '/apps' }],
    ...more,
  };
}

/** The ConfigMap with the programs, which `podSpec` mounts. */
export function programs(namespace: string): object {
  const data = Object.fromEntries(
    apps.map(name => [name, readFileSync(join(import.meta.dirname, 'apps', name), 'utf8')]),
  );
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'apps', namespace }, data };
}

/** The spec of a pod with these containers. */
export function podSpec(containers: readonly object[], more: object = {}): object {
  return {
    containers,
    terminationGracePeriodSeconds: 5,
    volumes: [{ name: 'apps', configMap: { name: 'apps' } }],
    ...more,
  };
}

/** A pod that serves (apps/target.mjs), with its probes; annotated so that whoever tests can reach its control port. */
export function target(
  image: string,
  name: string,
  probes: object,
  annotations: object = {},
  more: object = {},
): object {
  const ports = [
    { name: 'web', containerPort: 8080 },
    { name: 'raw', containerPort: 9090 },
  ];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: CASES,
      labels: { app: name },
      annotations: { 'weft.dev/skip-inbound-ports': '9900', ...annotations },
    },
    spec: podSpec([container(image, 'app', ['/apps/target.mjs'], { ports, ...probes })], more),
  };
}

/** Tells the app of a target: `/down`, `/up`. */
export async function tell(cluster: Cluster, pod: Pod, path: string): Promise<void> {
  await cluster.askPod(pod, 9900, path, 'POST');
}

/** A pod by name. */
export async function podOf(cluster: Cluster, name: string, namespace = CASES): Promise<Pod> {
  const pod = await cluster.find(`/api/v1/namespaces/${namespace}/pods/${name}`);
  if (!pod) throw new Error(`pod ${name} is gone`);
  return pod as Pod;
}

/** Waits until each of these pods is ready, or none of them is. */
export async function become(
  cluster: Cluster,
  names: readonly string[],
  ready: boolean,
  namespace = CASES,
): Promise<void> {
  await until(`${names.join(', ')} to become ${ready ? 'ready' : 'not ready'}`, async () => {
    const pods = await Promise.all(names.map(name => podOf(cluster, name, namespace)));
    const late = pods.filter(pod => isReady(pod) !== ready).map(({ metadata }) => metadata.name);
    if (late.length > 0) throw new Error(`still not: ${late.join(', ')}`);
    return true;
  });
}

export const strictNamespace: Claim = {
  name: 'in a strict namespace who is not in the mesh is refused, and who is gets an answer',
  async run({ cluster, shop, settings }) {
    await defineKind(cluster.client, strictness);
    const labels = { 'weft.dev/inject': 'enabled' };
    await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: CASES, labels } });
    await cluster.apply(
      programs(CASES),
      {
        apiVersion: 'security.istio.io/v1beta1',
        kind: 'PeerAuthentication',
        metadata: { name: 'default', namespace: CASES },
        spec: { mtls: { mode: 'STRICT' } },
      },
      service('plain'),
      target(settings.shopImage, 'plain', {}),
    );
    await become(cluster, ['plain'], true);
    const host = `plain.${CASES}`;
    const refusal = await until('the visitor to be refused', async () => {
      const { status, text = '' } = await shop.visit(`http://${host}:8080/hello`);
      return (
        status === 403 && /takes mutual TLS only \(PeerAuthentication default.cases\)/.test(text) && text
      );
    });
    const { text } = await shop.raw(
      host,
      8080,
      `GET /hello HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
    );
    if (!text.startsWith('HTTP/1.1 200')) throw new Error(`from within the mesh: ${text.slice(0, 200)}`);
    return `the visitor hears: ${refusal.trim()}`;
  },
};

/** Takes the namespace away, with what was defined for it. */
export async function removeCases(cluster: Cluster): Promise<void> {
  const path = `/api/v1/namespaces/${CASES}`;
  await cluster.delete(path);
  const { plural, group } = strictness;
  await cluster.delete(`/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${plural}.${group}`);
  await until(`namespace ${CASES} to be gone`, async () => (await cluster.find(path)) === undefined);
}

/** A Service in front of the target of that name. */
export function service(name: string, namespace = CASES): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: { selector: { app: name }, ports: [{ name: 'http', port: 8080 }] },
  };
}
