import {
  attachedTo,
  type Gateway,
  type GatewayHost,
  isOurs,
  type JoinedListener,
  joinedListeners,
  type Labels,
} from '../model/index.ts';
import type { Caller } from './caller.ts';
import type { MeshReader } from './mesh-reader.ts';

/** A listener that a proxy serves, of one of the gateways that its name stands for. */
export interface ServedListener extends JoinedListener {
  /** `namespace/name` of what routes name as their parent. */
  readonly of: string;
}

/** The namespace of a proxy that reads all objects itself and serves every gateway of them; no workload has it. */
export const ANY_NAMESPACE = '*';

/** The listeners of a gateway, for proxies that serve it: those who run elsewhere learn of none. */
export function listenersOf(reader: MeshReader, caller: Caller, name: string): readonly ServedListener[] {
  const served = reader.policies('gateways', name).filter(each => serves(reader, caller, each));
  return joinedListeners(served).map(each => ({ ...each, of: nameOf(each.gateway) }));
}

function nameOf({ namespace, name }: Gateway): string {
  return `${namespace}/${name}`;
}

function serves(reader: MeshReader, caller: Caller, gateway: Gateway): boolean {
  const { className, servedFrom, namespace } = gateway;
  const classes = className === undefined ? [] : reader.policies('gatewayClasses', className);
  const isHere = caller.namespace === ANY_NAMESPACE || caller.namespace === (servedFrom ?? namespace);
  return isHere && isOurs(className, classes);
}

/** The host patterns that a listener has routes for, each once, the most specific first. */
export function hostsAt(reader: MeshReader, served: ServedListener): readonly string[] {
  const hosts = new Set<string>();
  for (const route of reader.policies('gatewayHosts', served.of)) {
    const at = hostAt(reader, served, route);
    if (at !== undefined) hosts.add(at);
  }
  return [...hosts].sort(bySpecificity);
}

/** The pattern that a route has at a listener; undefined where it has none there. */
export function hostAt(
  reader: MeshReader,
  served: JoinedListener,
  route: Pick<GatewayHost, 'gateway' | 'host' | 'kind' | 'namespace' | 'section' | 'port'>,
): string | undefined {
  const found = attachedTo(served, route, namespace => labelsOf(reader, namespace));
  return 'host' in found ? found.host : undefined;
}

function labelsOf(reader: MeshReader, namespace: string): Labels {
  return reader.policies('namespaces', namespace)[0]?.labels ?? {};
}

/** Exact hosts before wildcards, the longer before the shorter, and equals by name, so that equal gateways are equal. */
export function bySpecificity(left: string, right: string): number {
  const [leftWild, rightWild] = [left.startsWith('*'), right.startsWith('*')];
  if (leftWild !== rightWild) return leftWild ? 1 : -1;
  return right.length - left.length || (left < right ? -1 : Number(left > right));
}
