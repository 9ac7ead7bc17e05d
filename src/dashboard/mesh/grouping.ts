// Large meshes: namespaces stand for their workloads until somebody opens them. Pure.
import type { PageEdge, PageMesh } from '../contract.ts';

/** More workloads than these are shown by namespace. */
export const MAX_WORKLOADS = 1_000;

/** What of the mesh one page is told: all of it, or the namespaces that it opened. */
export function grouped(mesh: PageMesh, opened: ReadonlySet<string>): PageMesh {
  if (mesh.workloads.length <= MAX_WORKLOADS) return mesh;
  return {
    ...mesh,
    grouped: true,
    workloads: mesh.workloads.filter(each => opened.has(each.namespace)),
    services: mesh.services.filter(each => opened.has(each.namespace)),
  };
}

/** Edges for the same: those of closed namespaces added up, each end that lies in one as `namespace/*`. */
export function groupedEdges(
  edges: readonly PageEdge[],
  mesh: PageMesh,
  opened: ReadonlySet<string>,
): readonly PageEdge[] {
  if (mesh.workloads.length <= MAX_WORKLOADS) return edges;
  const sums = new Map<string, PageEdge>();
  for (const edge of edges) {
    const [from, to] = [endOf(edge.from, opened), endOf(edge.to, opened)];
    // What goes on within a closed namespace is nobody's edge.
    if (from === to && from.endsWith('/*')) continue;
    const whole = to === edge.to;
    const key = `${from} ${to} ${edge.protocol} ${whole ? `${edge.service} ${edge.toVersion}` : ''}`;
    const named = { ...edge, from, to, ...(!whole && { service: to, toVersion: '' }) };
    const known = sums.get(key);
    sums.set(key, known === undefined ? named : added(known, named));
  }
  return [...sums.values()];
}

function endOf(key: string, opened: ReadonlySet<string>): string {
  const at = key.indexOf('/');
  if (at < 0) return key;
  const namespace = key.slice(0, at);
  return opened.has(namespace) ? key : `${namespace}/*`;
}

/** Rates add up; of quantiles the worst stays, because they cannot be added. */
function added(left: PageEdge, right: PageEdge): PageEdge {
  const [mine, theirs] = [left.rps + left.connections, right.rps + right.connections];
  const share = mine + theirs;
  const flags = { ...left.flags };
  for (const [flag, rate] of Object.entries(right.flags)) flags[flag] = (flags[flag] ?? 0) + rate;
  return {
    ...left,
    rps: left.rps + right.rps,
    errors: left.errors + right.errors,
    ...worst('p50', left, right),
    ...worst('p90', left, right),
    ...worst('p99', left, right),
    mtls: share > 0 ? (left.mtls * mine + right.mtls * theirs) / share : Math.min(left.mtls, right.mtls),
    sent: left.sent + right.sent,
    received: left.received + right.received,
    connections: left.connections + right.connections,
    opened: left.opened + right.opened,
    flags,
  };
}

function worst<K extends 'p50' | 'p90' | 'p99'>(
  name: K,
  left: PageEdge,
  right: PageEdge,
): { [P in K]?: number } {
  const known = [left[name], right[name]].filter(each => each !== undefined);
  return (known.length > 0 ? { [name]: Math.max(...known) } : {}) as { [P in K]?: number };
}
