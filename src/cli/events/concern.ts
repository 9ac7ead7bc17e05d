// Which events concern the mesh.
import type { MeshEvent, MeshPod } from '../proxies/index.ts';

/** What is known of the cluster beside its events. */
export interface Surroundings {
  readonly pods: readonly MeshPod[];
  readonly systemNamespace: string;
}

/** Whose business an event is. */
export type Concern = 'mesh' | 'control plane' | 'proxied pod';

/** An event, and why it is shown. */
export interface ConcerningEvent extends MeshEvent {
  readonly concern: Concern;
}

/**
 * Those that Weft reports itself or that speak of it, warnings about the control plane and about pods with a proxy, and about
 * what makes these. `everything`: of the latter two those that are no warnings, too.
 */
export function concerning(
  events: readonly MeshEvent[],
  { pods, systemNamespace }: Surroundings,
  everything: boolean,
): readonly ConcerningEvent[] {
  const meshed = pods.filter(({ proxyVersion }) => proxyVersion !== undefined);
  const names = new Set(meshed.map(({ namespace, name }) => `${namespace}/${name}`));
  // Events outlive pods: of one that is gone, its workload's others tell.
  const workloads = new Set(
    meshed.flatMap(({ namespace, workload }) => (workload ? [`${namespace}/${workload}`] : [])),
  );
  return events.flatMap(event => {
    const concern = concernOf(event, names, workloads, systemNamespace);
    if (concern === undefined) return [];
    return concern === 'mesh' || everything || event.type === 'Warning' ? [{ ...event, concern }] : [];
  });
}

function concernOf(
  { from, reason, message, namespace, name, kind }: MeshEvent,
  names: ReadonlySet<string>,
  workloads: ReadonlySet<string>,
  systemNamespace: string,
): Concern | undefined {
  if (from.startsWith('weft') || reason.startsWith('Weft') || /\bweft\b/i.test(message)) return 'mesh';
  if (namespace === systemNamespace) return 'control plane';
  if (kind === 'Pod' && names.has(`${namespace}/${name}`)) return 'proxied pod';
  return isOfWorkload(name, namespace, workloads) ? 'proxied pod' : undefined;
}

/** `web`, its ReplicaSet `web-7d9f`, its pod `web-7d9f-x2b`. */
function isOfWorkload(name: string, namespace: string, workloads: ReadonlySet<string>): boolean {
  const parts = name.split('-');
  return [0, 1, 2].some(
    cut =>
      parts.length > cut && workloads.has(`${namespace}/${parts.slice(0, parts.length - cut).join('-')}`),
  );
}
