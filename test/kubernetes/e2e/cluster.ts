// The cluster under test, as a user's tools see it: objects in and out, pods called through the API server, `weft` as a command.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseAllDocuments } from 'yaml';
import { pluralOf } from '../../../src/cli/install/index.ts';
import { ApiError, type ApiObject, KubeClient } from '../../../src/kubernetes/index.ts';

const program = join(import.meta.dirname, '../../../src/main/weft.ts');

/** An object with what every reader here needs of it. */
export interface Item {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly creationTimestamp?: string;
    readonly deletionTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly generation?: number;
  };
  readonly [field: string]: unknown;
}

/** A container's state, of those that ended. */
export interface ContainerStatus {
  readonly name: string;
  readonly ready: boolean;
  readonly restartCount: number;
  readonly state: {
    readonly running?: { readonly startedAt: string };
    readonly terminated?: { readonly exitCode: number; readonly finishedAt: string };
  };
}

/** A pod. */
export interface Pod extends Item {
  readonly spec: {
    readonly containers: readonly {
      readonly name: string;
      readonly ports?: readonly { readonly containerPort: number }[];
    }[];
    readonly initContainers?: readonly { readonly name: string }[];
  };
  readonly status: {
    readonly phase?: string;
    readonly podIP?: string;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly lastTransitionTime: string;
    }[];
    readonly containerStatuses?: readonly ContainerStatus[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
  };
}

/** How a command ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const clusterScoped = new Set([
  'Namespace',
  'ClusterRole',
  'ClusterRoleBinding',
  'MutatingWebhookConfiguration',
  'CustomResourceDefinition',
]);

/** The path of an object, or of its collection. */
export function pathOf(object: Item, collection = false): string {
  const { apiVersion, kind, metadata } = object;
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const place = clusterScoped.has(kind) ? '' : `/namespaces/${metadata.namespace ?? 'default'}`;
  const plural = kind === 'Endpoints' ? 'endpoints' : pluralOf(kind);
  return `${root}${place}/${plural}${collection ? '' : `/${metadata.name}`}`;
}

/** Whether the pod's containers are all ready and it is not on its way out. */
export function isReady({ metadata, status }: Pod): boolean {
  const ready = status.conditions?.find(({ type }) => type === 'Ready');
  return metadata.deletionTimestamp === undefined && ready?.status === 'True';
}

/** What became of a container; a native sidecar is among the init containers. */
export function containerStatus({ status }: Pod, name: string): ContainerStatus | undefined {
  const all = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
  return all.find(each => each.name === name);
}

/** See the head of this file. */
export class Cluster {
  readonly kubeconfig: string;
  readonly client: KubeClient;

  constructor(kubeconfig: string) {
    this.kubeconfig = kubeconfig;
    this.client = new KubeClient({ kubeconfig });
  }

  /** The answer; an Error for every refusal. */
  async call(call: Parameters<KubeClient['call']>[0]): Promise<ApiObject> {
    const answer = await this.client.call(call);
    if (answer instanceof ApiError)
      throw new Error(`${call.method ?? 'GET'} ${call.path}: ${answer.message}`);
    return answer;
  }

  /** The version: 34 of Kubernetes 1.34. */
  async minor(): Promise<number> {
    const { minor } = await this.call({ path: '/version' });
    return Number.parseInt(String(minor), 10);
  }

  async find(path: string): Promise<Item | undefined> {
    const answer = await this.client.call({ path });
    if (!(answer instanceof ApiError)) return answer as unknown as Item;
    if (answer.status === 404) return undefined;
    throw answer;
  }

  async list<T extends Item = Item>(path: string, query: Record<string, string> = {}): Promise<readonly T[]> {
    const { items, kind = '' } = await this.call({ path, query });
    const itemKind = String(kind).replace(/List$/, '');
    return (items as T[]).map(item => ({ ...item, kind: itemKind }));
  }

  /** Pods that are not on their way out. */
  async pods(namespace: string, labelSelector = ''): Promise<readonly Pod[]> {
    const all = await this.list<Pod>(`/api/v1/namespaces/${namespace}/pods`, { labelSelector });
    return all.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  }

  /** Creates or merges, as kubectl apply does for objects that only this test writes. */
  async apply(...objects: readonly object[]): Promise<void> {
    for (const object of objects as readonly Item[]) {
      const made = await this.#create(object);
      if (!(made instanceof ApiError)) continue;
      if (made.code !== 'api-already-exists')
        throw new Error(`${object.kind} ${object.metadata.name}: ${made.message}`);
      await this.call({ method: 'PATCH', path: pathOf(object), body: object });
    }
  }

  /** Pods of a namespace that is new are refused until Kubernetes has made its ServiceAccount and a token for it. */
  async #create(object: Item): Promise<ApiObject | ApiError> {
    const call = { method: 'POST', path: pathOf(object, true), body: object } as const;
    for (let triesLeft = 100; ; triesLeft--) {
      const made = await this.client.call(call);
      const isEarly =
        object.kind === 'Pod' && made instanceof ApiError && /No API token|serviceaccount/.test(made.message);
      if (!isEarly || triesLeft === 0) return made;
      await new Promise(resolve => setTimeout(resolve, 200));
    }
  }

  async applyText(yaml: string): Promise<void> {
    await this.apply(...parseAllDocuments(yaml).map(document => document.toJS() as object));
  }

  async patch(path: string, body: object): Promise<void> {
    await this.call({ method: 'PATCH', path, body });
  }

  async delete(path: string, body: object = { propagationPolicy: 'Background' }): Promise<void> {
    const answer = await this.client.call({ method: 'DELETE', path, body });
    if (answer instanceof ApiError && answer.status !== 404) throw answer;
  }

  /** Asks a port of a pod through the API server, which is outside the mesh. */
  async askPod<T>(
    pod: Pod,
    port: number,
    path: string,
    method: 'GET' | 'POST' | 'DELETE' = 'GET',
    body?: object,
  ): Promise<T> {
    const { pathname, searchParams } = new URL(path, 'http://pod');
    const { name, namespace } = pod.metadata;
    const answer = await this.call({
      method,
      path: `/api/v1/namespaces/${namespace}/pods/${name}:${port}/proxy${pathname}`,
      query: Object.fromEntries(searchParams),
      timeoutMs: 60_000,
      ...(body !== undefined && { body }),
    });
    return answer as T;
  }

  /** A page of text, line by line: metrics, logs. */
  async text(path: string, query: Record<string, string> = {}): Promise<string> {
    const lines: string[] = [];
    const failed = await this.client.stream({ path, query, accept: '*/*' }, line => {
      lines.push(line);
      return true;
    });
    if (failed) throw new Error(`${path}: ${failed.message}`);
    return lines.join('\n');
  }

  /** What the proxy beside a pod's app counts. */
  proxyMetrics({ metadata: { name, namespace } }: Pod): Promise<string> {
    return this.text(`/api/v1/namespaces/${namespace}/pods/${name}:15020/proxy/stats/prometheus`);
  }

  /** `kubectl rollout restart`. */
  async restart(workload: Item): Promise<void> {
    const annotations = { 'kubectl.kubernetes.io/restartedAt': new Date().toISOString() };
    await this.patch(pathOf(workload), { spec: { template: { metadata: { annotations } } } });
  }

  /**
   * `kubectl rollout status`: the new pods are ready. Old ones may be on their way out still; a kubelet may take a minute for it.
   */
  async rolledOut(workloads: readonly Item[], limitMs = 300_000): Promise<void> {
    for (const workload of workloads) {
      const { kind, metadata } = workload;
      await until(`${kind} ${metadata.name} to be rolled out`, () => this.#isRolledOut(workload), limitMs);
    }
  }

  async #isRolledOut(workload: Item): Promise<boolean> {
    const now = await this.find(pathOf(workload));
    if (!now) return false;
    const { replicas: wanted = 1 } = now.spec as { replicas?: number };
    const status = now.status as Record<string, number | string | undefined>;
    const { observedGeneration = 0, updatedReplicas = 0, readyReplicas = 0, replicas = 0 } = status;
    if (Number(observedGeneration) < (now.metadata.generation ?? 0)) return false;
    // StatefulSets say so; Deployments have neither.
    if (status.currentRevision !== status.updateRevision) return false;
    return [updatedReplicas, readyReplicas, replicas].every(count => count === wanted);
  }

  /** Runs `weft`. */
  weft(...args: readonly string[]): Promise<Ended> {
    const env = { ...process.env, KUBECONFIG: this.kubeconfig, NO_COLOR: '1' };
    const child = spawn(process.execPath, [program, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    return new Promise((resolve, reject) => {
      let stdout = '';
      let stderr = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        stdout += text;
      });
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        stderr += text;
      });
      child.on('error', reject);
      child.on('close', code => resolve({ code: code ?? 1, stdout, stderr }));
    });
  }
}

/** Waits until the condition gives something; an Error with `what` after `limitMs`. What it throws counts as not yet. */
export async function until<T>(
  what: string,
  condition: () => Promise<T | undefined | false>,
  limitMs = 120_000,
): Promise<T> {
  const endMs = performance.now() + limitMs;
  let last = '';
  for (;;) {
    try {
      const found = await condition();
      if (found !== undefined && found !== false) return found;
    } catch (thrown) {
      last = `: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
    }
    if (performance.now() > endMs) throw new Error(`waited ${limitMs / 1000} s in vain for ${what}${last}`);
    await sleep(300);
  }
}
