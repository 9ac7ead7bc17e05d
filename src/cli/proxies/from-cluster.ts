// Pods by way of the API server, and their ports by way of its proxy subresource: nothing is forwarded, kubectl is not needed.
import { ANNOTATIONS } from '../../config/index.ts';
import { WeftError } from '../../errors/index.ts';
import { SELECTOR } from '../install/names.ts';
import type { ReadableCluster } from '../kubernetes/connect.ts';
import { type ApiObject, listObjects } from '../kubernetes/objects.ts';
import { proxyVersion } from '../version.ts';
import type { Mesh, MeshPod } from './mesh.interface.ts';

/** The mesh of a cluster whose control plane is in `systemNamespace`. */
export function meshOfCluster(cluster: ReadableCluster, systemNamespace: string): Mesh {
  const list = async (namespace: string | undefined, query: Readonly<Record<string, string>> = {}) => {
    const path = `/api/v1/${namespace === undefined ? '' : `namespaces/${encodeURIComponent(namespace)}/`}pods`;
    return ((await listObjects(cluster, path, query)) ?? []).map(podOf);
  };
  const labelSelector = Object.entries(SELECTOR)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
  return {
    checkCommand: 'weft check',
    logCommand: ({ namespace, name }) => `kubectl logs -n ${namespace} ${name} -c weft-proxy`,
    restartCommand: ({ namespace }) =>
      `kubectl rollout restart deployment,statefulset,daemonset -n ${namespace}`,
    pods: namespace => list(namespace),
    controlPlanes: () => list(systemNamespace, { labelSelector }),
    async read({ namespace, name }, port, path) {
      const answer = await cluster.text(`/api/v1/namespaces/${namespace}/pods/${name}:${port}/proxy${path}`);
      if (answer.status === 200) return String(answer.body);
      if (answer.status === 403) {
        const words = `this account has not the right to get pods/proxy in namespace ${namespace} (${String(answer.body)})`;
        throw new WeftError('pod-unasked', words, { source: 'config' });
      }
      throw new WeftError('pod-unasked', String(answer.body), { source: 'config' });
    },
  };
}

function podOf({ metadata, status }: ApiObject): MeshPod {
  const version = proxyVersion(metadata.annotations?.[ANNOTATIONS.status]);
  const phase = (status as { phase?: unknown } | undefined)?.phase;
  return {
    namespace: metadata.namespace ?? 'default',
    name: metadata.name,
    labels: metadata.labels ?? {},
    phase: typeof phase === 'string' ? phase : 'Unknown',
    ...(version !== undefined && { proxyVersion: version }),
  };
}
