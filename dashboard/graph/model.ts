// From what the server tells to what is drawn. Pure.
import type { PageEdge, PageFigures, PageMesh, Signals } from '../../src/dashboard/contract.ts';
import { standingOf, together } from '../state/signals.ts';

/** A thing in the graph. */
export interface GraphNode {
  /** Key of the workload, with `@version` where versions are told apart; `shop/*` for a namespace. */
  readonly id: string;
  readonly kind: 'workload' | 'namespace' | 'outside';
  readonly namespace: string;
  readonly label: string;
  readonly version: string;
  /** What came in. */
  readonly inbound: Signals;
  readonly standing: 'ok' | 'warning' | 'error';
  /** `none` and `some`: pods without a proxy. */
  readonly meshed: 'all' | 'some' | 'none';
  readonly ready: number;
  readonly pods: number;
}

/** Who calls whom. */
export interface GraphLink {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly signals: ReturnType<typeof together>;
  readonly standing: 'ok' | 'warning' | 'error';
  readonly protocol: 'http' | 'tcp';
  readonly edges: readonly PageEdge[];
}

/** What is drawn. */
export interface GraphModel {
  readonly nodes: readonly GraphNode[];
  readonly links: readonly GraphLink[];
}

/** What of it. */
export interface GraphOptions {
  /** Only this namespace and who talks to it; empty for all. */
  readonly namespace: string;
  /** A node for each version. */
  readonly versions: boolean;
  /** Workloads and edges without traffic, too. */
  readonly idle: boolean;
  /** Namespaces that stand for their workloads. */
  readonly closed: ReadonlySet<string>;
}

const silence: Signals = { rps: 0, errors: 0 };

/** The graph of now. */
export function graphOf(mesh: PageMesh, { edges }: PageFigures, options: GraphOptions): GraphModel {
  const place = (key: string, version: string): string => {
    const namespace = key.slice(0, Math.max(key.indexOf('/'), 0));
    if (options.closed.has(namespace)) return `${namespace}/*`;
    return options.versions && version !== '' && !key.endsWith('/*') ? `${key}@${version}` : key;
  };
  const versionOf = new Map(mesh.workloads.map(each => [each.key, each.versions]));
  const links = new Map<string, PageEdge[]>();
  for (const edge of edges) {
    if (!options.idle && isIdle(edge)) continue;
    // A caller's version is told nowhere: its only one is drawn, the first of several.
    const from = place(edge.from, versionOf.get(edge.from)?.[0] ?? '');
    const to = place(edge.to, edge.toVersion);
    if (from === to && from.endsWith('/*')) continue;
    if (
      options.namespace !== '' &&
      ![edge.from, edge.to].some(each => each.startsWith(`${options.namespace}/`))
    )
      continue;
    const id = `${from}>${to}`;
    const known = links.get(id);
    if (known) known.push(edge);
    else links.set(id, [edge]);
  }
  const drawn = [...links].map(([id, members]) => linkOf(id, members));
  const wanted = new Set(drawn.flatMap(each => [each.from, each.to]));
  const arriving = new Map<string, PageEdge[]>();
  for (const link of drawn) arriving.set(link.to, [...(arriving.get(link.to) ?? []), ...link.edges]);
  const nodes = new Map<string, GraphNode>();
  const add = (node: Omit<GraphNode, 'inbound' | 'standing'>): void => {
    const inbound = arriving.has(node.id) ? together(arriving.get(node.id)!) : silence;
    nodes.set(node.id, { ...node, inbound, standing: standingOf(inbound) });
  };
  for (const { name, pods, meshedPods } of mesh.namespaces) {
    const shown = options.closed.has(name) || mesh.grouped;
    if (!shown || (!options.idle && !wanted.has(`${name}/*`)) || !inScope(name, options, wanted)) continue;
    if (mesh.grouped && mesh.workloads.some(each => each.namespace === name)) continue;
    const meshed = meshedPods === 0 ? 'none' : meshedPods < pods ? 'some' : 'all';
    add({
      id: `${name}/*`,
      kind: 'namespace',
      namespace: name,
      label: name,
      version: '',
      meshed,
      ready: pods,
      pods,
    });
  }
  for (const { key, namespace, name, versions, pods } of mesh.workloads) {
    if (options.closed.has(namespace)) continue;
    for (const version of options.versions ? versions : ['']) {
      const id = place(key, version);
      const mine = version === '' ? pods : pods.filter(each => each.version === version);
      if (!wanted.has(id) && (!options.idle || !inScope(namespace, options, wanted))) continue;
      const meshedPods = mine.filter(each => each.meshed).length;
      const meshed = meshedPods === 0 ? 'none' : meshedPods < mine.length ? 'some' : 'all';
      const ready = mine.filter(each => each.ready).length;
      add({ id, kind: 'workload', namespace, label: name, version, meshed, ready, pods: mine.length });
    }
  }
  for (const id of wanted) if (!nodes.has(id)) add(strangerOf(id));
  return { nodes: [...nodes.values()], links: drawn };
}

function inScope(namespace: string, options: GraphOptions, wanted: ReadonlySet<string>): boolean {
  return options.namespace === '' || options.namespace === namespace || wanted.has(`${namespace}/*`);
}

function isIdle({ rps, connections, opened, sent, received }: PageEdge): boolean {
  return rps === 0 && connections === 0 && opened === 0 && sent === 0 && received === 0;
}

function linkOf(id: string, edges: readonly PageEdge[]): GraphLink {
  const at = id.indexOf('>');
  const signals = together(edges);
  const protocol = edges.every(each => each.protocol === 'tcp') ? 'tcp' : 'http';
  return {
    id,
    from: id.slice(0, at),
    to: id.slice(at + 1),
    signals,
    standing: standingOf(signals),
    protocol,
    edges,
  };
}

/** Who is no workload that is known: `unknown` callers, hosts outside, what has gone meanwhile. */
function strangerOf(id: string): Omit<GraphNode, 'inbound' | 'standing'> {
  const [namespace = '', name] = id.split('@')[0]!.split('/');
  const known = name !== undefined;
  return {
    id,
    kind: id.endsWith('/*') ? 'namespace' : known ? 'workload' : 'outside',
    namespace: known ? namespace : '',
    label: name === '*' ? namespace : (name ?? id),
    version: id.split('@')[1] ?? '',
    meshed: 'none',
    ready: 0,
    pods: 0,
  };
}
