import type { Mesh, MtlsMode, Workload } from '../../model/index.ts';
import { MeshReader, peerModes } from '../../resolve/index.ts';
import type { PageNamespace, PagePod, PageWorkload } from '../contract.ts';

/** `namespace/owner`: what a pod counts as. */
export function workloadKey({ namespace, owner }: Workload): string {
  return `${namespace}/${owner.name}`;
}

/** Pods by what they belong to, in order of name. `behind`: keys of Services by workload. */
export function workloadsOf(
  mesh: Mesh,
  behind: ReadonlyMap<string, ReadonlySet<string>>,
): readonly PageWorkload[] {
  // Of other clusters too: they are called from here.
  const grouped = Map.groupBy(mesh.workloads, ([, workload]) => workloadKey(workload));
  return [...grouped]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, members]) => {
      const [, first] = members[0]!;
      const mtls = modeOf(
        mesh,
        members.map(([, each]) => each).find(each => each.meshed),
      );
      return {
        key,
        namespace: first.namespace,
        name: first.owner.name,
        kind: first.owner.kind,
        app: first.app,
        versions: [...new Set(members.map(([, each]) => each.version))].sort(),
        serviceAccount: first.identity.serviceAccount,
        pods: members.map(([podKey, each]) => podOf(podKey, each)).sort((a, b) => (a.name < b.name ? -1 : 1)),
        services: [...(behind.get(key) ?? [])].sort(),
        ...(mtls && { mtls }),
      };
    });
}

function podOf(key: string, { name, version, ready, meshed, addresses, node }: Workload): PagePod {
  return { key, name, version, ready, meshed, addresses, ...(node !== undefined && { node }) };
}

function modeOf(mesh: Mesh, workload: Workload | undefined): MtlsMode | undefined {
  return workload && peerModes(new MeshReader(mesh), workload).general.mode;
}

/** How many there are of each, in order of name. */
export function namespacesOf(workloads: readonly PageWorkload[]): readonly PageNamespace[] {
  const grouped = Map.groupBy(workloads, each => each.namespace);
  return [...grouped]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, members]) => {
      const pods = members.flatMap(each => each.pods);
      const meshedPods = pods.filter(each => each.meshed).length;
      return { name, workloads: members.length, pods: pods.length, meshedPods };
    });
}
