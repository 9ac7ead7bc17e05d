// Pods by way of the API server, and their ports by way of its proxy subresource: nothing is forwarded, kubectl is not needed.
// The admin endpoint alone wants a port-forward: it listens on loopback.
import { ANNOTATIONS } from '../../config/index.ts';
import { WeftError } from '../../errors/index.ts';
import { CONTROL_PLANES, revisionOfPod } from '../install/names.ts';
import type { ClusterFlags, ReadableCluster } from '../kubernetes/connect.ts';
import { type ApiObject, listObjects } from '../kubernetes/objects.ts';
import { proxyVersion } from '../version.ts';
import { forwardedAdmin } from './admin.ts';
import type { MeshEvent, MeshPod, RunningMesh } from './mesh.interface.ts';

/** The container that proxies run in. */
const container = 'weft-proxy';

/** The mesh of a cluster whose control plane is in `systemNamespace`; `flags` lead kubectl to the same cluster. */
export function meshOfCluster(
  cluster: ReadableCluster,
  systemNamespace: string,
  flags: ClusterFlags,
): RunningMesh {
  const list = async (namespace: string | undefined, query: Readonly<Record<string, string>> = {}) => {
    const path = `/api/v1/${namespace === undefined ? '' : `namespaces/${encodeURIComponent(namespace)}/`}pods`;
    return ((await listObjects(cluster, path, query)) ?? []).map(podOf);
  };
  return {
    checkCommand: 'weft check',
    logCommand: ({ namespace, name }) => `kubectl logs -n ${namespace} ${name} -c weft-proxy`,
    restartCommand: ({ namespace }) =>
      `kubectl rollout restart deployment,statefulset,daemonset -n ${namespace}`,
    pods: namespace => list(namespace),
    async controlPlanes() {
      const found = await list(systemNamespace, { labelSelector: CONTROL_PLANES });
      return found.filter(({ labels }) => revisionOfPod(labels) !== undefined);
    },
    async read({ namespace, name }, port, path) {
      const answer = await cluster.text(`/api/v1/namespaces/${namespace}/pods/${name}:${port}/proxy${path}`);
      if (answer.status === 200) return String(answer.body);
      if (answer.status === 403) {
        const words = `this account has not the right to get pods/proxy in namespace ${namespace} (${String(answer.body)})`;
        throw new WeftError('pod-unasked', words, { source: 'config' });
      }
      throw new WeftError('pod-unasked', String(answer.body), { source: 'config' });
    },
    admin: pod => forwardedAdmin(pod, flags),
    log({ namespace, name }, { sinceSeconds, tail, follow }, onLine, signal) {
      const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}/log`;
      const query = { container, follow, sinceSeconds, tailLines: tail };
      return cluster.lines(path, query, onLine, signal);
    },
    async events(namespace) {
      const within = namespace === undefined ? '' : `namespaces/${encodeURIComponent(namespace)}/`;
      const found = (await listObjects(cluster, `/api/v1/${within}events`)) ?? [];
      return found.map(eventOf).sort((a, b) => a.atMs - b.atMs);
    },
  };
}

/** Both ways in which Kubernetes writes events, of core/v1 and of events.k8s.io, stand in one object. */
function eventOf(event: ApiObject): MeshEvent {
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  const about = (event.involvedObject ?? {}) as Readonly<Record<string, unknown>>;
  const series = (event.series ?? {}) as Readonly<Record<string, unknown>>;
  const source = (event.source ?? {}) as Readonly<Record<string, unknown>>;
  const times = [series.lastObservedTime, event.lastTimestamp, event.eventTime, event.firstTimestamp];
  const at = times.map(text).find(each => each !== '') ?? event.metadata.creationTimestamp ?? '';
  const count = Number(series.count ?? event.count ?? 1);
  return {
    atMs: Date.parse(at) || 0,
    type: event.type === 'Warning' ? 'Warning' : 'Normal',
    reason: text(event.reason),
    kind: text(about.kind),
    namespace: text(about.namespace) || (event.metadata.namespace ?? ''),
    name: text(about.name),
    message: text(event.message).trim(),
    count: Number.isFinite(count) && count > 0 ? count : 1,
    from: text(event.reportingComponent) || text(source.component),
  };
}

function podOf({ metadata, status }: ApiObject): MeshPod {
  const version = proxyVersion(metadata.annotations?.[ANNOTATIONS.status]);
  const workload = workloadOf(metadata);
  const phase = (status as { phase?: unknown } | undefined)?.phase;
  return {
    namespace: metadata.namespace ?? 'default',
    name: metadata.name,
    labels: metadata.labels ?? {},
    phase: typeof phase === 'string' ? phase : 'Unknown',
    ...(workload !== undefined && { workload }),
    ...(version !== undefined && { proxyVersion: version }),
  };
}

/** Its controller, and of a ReplicaSet the Deployment: the name without the hash that both have as a label. */
function workloadOf({ labels = {}, ...metadata }: ApiObject['metadata']): string | undefined {
  const { ownerReferences = [] } = metadata as {
    readonly ownerReferences?: readonly {
      readonly kind: string;
      readonly name: string;
      readonly controller?: boolean;
    }[];
  };
  const owner = ownerReferences.find(({ controller }) => controller) ?? ownerReferences[0];
  const hash = labels['pod-template-hash'];
  if (owner?.kind !== 'ReplicaSet' || hash === undefined) return owner?.name;
  return owner.name.endsWith(`-${hash}`) ? owner.name.slice(0, -hash.length - 1) : owner.name;
}
