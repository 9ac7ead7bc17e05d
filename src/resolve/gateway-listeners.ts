import {
  attachedTo,
  type CredentialRef,
  GATEWAY_NAME_LABEL,
  type Gateway,
  type GatewayHost,
  isOurs,
  type JoinedListener,
  joinedListeners,
  type Labels,
  listenerId,
  type Mesh,
  matchesLabels,
  parentKey,
  servedObjects,
  type VirtualHost,
} from '../model/index.ts';
import type { Caller } from './caller.ts';
import { MeshReader } from './mesh-reader.ts';

/** A listener that a proxy serves, of one of the gateways that its name stands for. */
export interface ServedListener extends JoinedListener {
  /** What routes name as their parent: GatewayAttachment.gateway. */
  readonly of: string;
  /** `namespace/name` of the gateway that it is served for. */
  readonly served: string;
}

/** The namespace of a proxy that reads all objects itself and serves every gateway of them; no workload has it. */
export const ANY_NAMESPACE = '*';

/** The listeners of a gateway, for proxies that serve it: those who run elsewhere learn of none. */
export function listenersOf(reader: MeshReader, caller: Caller, name: string): readonly ServedListener[] {
  return joined(reader, caller, name).listeners;
}

/** The listener of this port and listenerId, where it is opened. */
export function openListener(
  reader: MeshReader,
  caller: Caller,
  { gateway, port, listener }: Pick<VirtualHost, 'gateway' | 'port' | 'listener'>,
): ServedListener | undefined {
  return joined(reader, caller, gateway).open.get(`${port} ${listener}`);
}

/** What is joined of a gateway, and the facts it rests on. */
interface Joined {
  readonly listeners: readonly ServedListener[];
  /** By port and listenerId. */
  readonly open: ReadonlyMap<string, ServedListener>;
  readonly facts: ReadonlySet<string>;
}

/** By who asks and the gateway's name: each of thousands of hosts of one gateway asks for its listener. */
const joins = new WeakMap<Mesh, WeakMap<Caller, Map<string, Joined>>>();

function joined(reader: MeshReader, caller: Caller, name: string): Joined {
  const ofMesh = joins.get(reader.mesh) ?? new WeakMap<Caller, Map<string, Joined>>();
  joins.set(reader.mesh, ofMesh);
  const ofCaller = ofMesh.get(caller) ?? new Map<string, Joined>();
  ofMesh.set(caller, ofCaller);
  const found = ofCaller.get(name) ?? join(new MeshReader(reader.mesh), caller, name);
  ofCaller.set(name, found);
  for (const each of found.facts) reader.facts.add(each);
  return found;
}

function join(reader: MeshReader, caller: Caller, name: string): Joined {
  const served = servedObjects(
    reader.policies('gateways', name),
    each => serves(reader, caller, each),
    namespace => labelsOf(reader, namespace),
  );
  const listeners = joinedListeners([...served, ...selected(reader, caller, name)]).map(each => ({
    ...each,
    of: parentKey(each.gateway),
    served: name,
  }));
  const open = new Map<string, ServedListener>();
  for (const each of listeners) {
    const key = `${each.listener.port} ${listenerId(each.listener)}`;
    if (each.conflict === undefined && !open.has(key)) open.set(key, each);
  }
  return { listeners, open, facts: reader.facts };
}

/**
 * The labels that selectors of Gateways and policies are asked of at a proxy that serves the gateway `namespace/name`. The
 * gateway's name counts as its labels `istio`, as Istio's own have it, and Gateway API's; who serves whatever there is, without a
 * pod, is taken for whom each of Istio's Gateways selects. A pod's own labels go before.
 */
export function labelsAtGateway(reader: MeshReader, caller: Caller, name: string): Labels {
  const own = name.slice(name.indexOf('/') + 1);
  const all = caller.namespace === ANY_NAMESPACE ? reader.policies('selectedGateways', '') : [];
  const selectors = all.filter(({ gateway }) => gateway === name).map(({ selector }) => selector);
  return Object.assign({ istio: own, [GATEWAY_NAME_LABEL]: own }, ...selectors, caller.labels);
}

/** Istio's Gateways choose proxies by labels. */
function selected(reader: MeshReader, caller: Caller, name: string): readonly Gateway[] {
  // Who serves whatever there is has been told of each by its name.
  if (caller.namespace === ANY_NAMESPACE) return [];
  const [namespace = ''] = name.split('/');
  if (caller.namespace !== namespace) return [];
  const labels = labelsAtGateway(reader, caller, name);
  return reader
    .policies('selectedGateways', '')
    .filter(({ selector }) => matchesLabels({ matchLabels: selector }, labels))
    .flatMap(({ gateway }) => reader.policies('gateways', gateway));
}

/** Where a Secret is that is to be in the namespace of whoever serves it. */
export function placed(ref: CredentialRef, caller: Caller, { namespace }: Gateway): CredentialRef {
  if (ref.namespace !== '') return ref;
  return { ...ref, namespace: caller.namespace === ANY_NAMESPACE ? namespace : caller.namespace };
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
  const routes = reader.policies('gatewayHosts', served.of);
  for (const route of candidates(routes, served.listener.hostname)) {
    const at = hostAt(reader, served, route);
    if (at !== undefined) hosts.add(at);
  }
  return [...hosts].sort(bySpecificity);
}

/** Routes by host, and those with a star. */
interface HostIndex {
  readonly exact: ReadonlyMap<string, readonly GatewayHost[]>;
  readonly wild: readonly GatewayHost[];
}

const indexes = new WeakMap<readonly GatewayHost[], HostIndex>();

/** Routes that may have a host at a listener of this hostname: of thousands of hosts a listener is mostly for one. */
function candidates(routes: readonly GatewayHost[], hostname: string | undefined): readonly GatewayHost[] {
  if (hostname === undefined || hostname.startsWith('*')) return routes;
  const known = indexes.get(routes) ?? indexOf(routes);
  indexes.set(routes, known);
  return [...(known.exact.get(hostname) ?? []), ...known.wild];
}

function indexOf(routes: readonly GatewayHost[]): HostIndex {
  const exact = new Map<string, GatewayHost[]>();
  const wild: GatewayHost[] = [];
  for (const route of routes)
    if (route.host.startsWith('*')) wild.push(route);
    else {
      const same = exact.get(route.host);
      if (same === undefined) exact.set(route.host, [route]);
      else same.push(route);
    }
  return { exact, wild };
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
