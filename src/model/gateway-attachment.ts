// Which listeners a gateway has when all that is said of it is joined, and which routes belong to which of them.
import {
  type AllowedRoutes,
  type AttachedKind,
  commonHost,
  type Gateway,
  type GatewayAttachment,
  type GatewayListener,
  kindsOf,
  type ListenerProtocol,
  validationAt,
} from './gateway.ts';
import { type Labels, matchesLabels } from './labels.ts';
import type { ObjectRef } from './object-ref.ts';

/** A namespace, as far as listeners choose routes by it. */
export interface Namespace {
  readonly name: string;
  readonly labels: Labels;
  readonly from: ObjectRef;
}

/** Every namespace has it, by the API server's own doing. */
export const NAMESPACE_NAME_LABEL = 'kubernetes.io/metadata.name';

/** Why a listener is not opened: others of its port speak something else, or it has the same hostname as one of them. */
export type ConflictReason = 'ProtocolConflict' | 'HostnameConflict';

/** A listener among all of its gateway. */
export interface JoinedListener {
  readonly listener: GatewayListener;
  /** Who says it. */
  readonly gateway: Gateway;
  /** Of a listener of a ListenerSet: the gateway that it is joined to; else the same. */
  readonly root: Gateway;
  /** Undefined where it is opened. */
  readonly conflict?: ConflictReason;
}

/**
 * The listeners of a gateway, in order. Of several objects' those of the first are opened, and then of conflicting ones of one
 * object none: what an earlier object keeps from being opened is in nobody's way
 * (gateway-api.sigs.k8s.io/reference/spec/#listener). `gateways`: the oldest first.
 */
export function joinedListeners(gateways: readonly Gateway[]): readonly JoinedListener[] {
  const before = new TakenPlaces();
  const first = gateways.find(each => each.parent === undefined);
  return gateways.flatMap(gateway => {
    const root = gateway.parent === undefined ? gateway : (first ?? gateway);
    // One listener alone is in nobody's way in its own object: an Ingress has one for each host.
    const beside = gateway.listeners.length > 1 ? new TakenPlaces() : undefined;
    const earlier = gateway.listeners.map(each => before.conflict(each, 0));
    if (beside !== undefined)
      gateway.listeners.forEach((each, index) => {
        if (earlier[index] === undefined) beside.add(each);
      });
    const own = gateway.listeners.map((listener, index) => {
      const conflict = earlier[index] ?? beside?.conflict(listener, 1);
      return { listener: validated(listener, root), gateway, root, ...(conflict && { conflict }) };
    });
    for (const { listener, conflict } of own) if (conflict === undefined) before.add(listener);
    return own;
  });
}

/** What listeners have of their ports: there may be one for each of thousands of hosts, and none is compared with all others. */
class TakenPlaces {
  readonly #places = new Map<
    string,
    { readonly families: Set<string>; readonly hosts: Map<string, number> }
  >();

  add(listener: GatewayListener): void {
    const key = placeOf(listener);
    const place = this.#places.get(key) ?? { families: new Set(), hosts: new Map() };
    this.#places.set(key, place);
    place.families.add(family(listener.protocol));
    const host = listener.hostname ?? '*';
    place.hosts.set(host, (place.hosts.get(host) ?? 0) + 1);
  }

  /** `itself`: how often the listener is among those that were added. */
  conflict(listener: GatewayListener, itself: 0 | 1): ConflictReason | undefined {
    const place = this.#places.get(placeOf(listener));
    if (place === undefined) return undefined;
    const isAlone = place.families.size === 1 && place.families.has(family(listener.protocol));
    if (!isAlone) return 'ProtocolConflict';
    return (place.hosts.get(listener.hostname ?? '*') ?? 0) > itself ? 'HostnameConflict' : undefined;
  }
}

/** Datagrams have ports of their own. */
function placeOf({ port, protocol }: GatewayListener): string {
  return `${port} ${family(protocol) === 'udp'}`;
}

/** What a gateway demands of its clients holds at listeners that others add to it. */
function validated(given: GatewayListener, { frontend, options }: Gateway): GatewayListener {
  const listener = options === undefined || given.options !== undefined ? given : { ...given, options };
  const { tls, port } = listener;
  if (frontend === undefined || tls?.mode !== 'terminate' || tls.clients !== undefined) return listener;
  const clients = validationAt(frontend, port);
  return clients === undefined ? listener : { ...listener, tls: { ...tls, clients } };
}

/**
 * Of all that speaks of one gateway what counts: its own objects that are ours, then the ListenerSets that these let in, the
 * oldest first.
 */
export function servedObjects(
  all: readonly Gateway[],
  isOurs: (gateway: Gateway) => boolean,
  labelsOf: (namespace: string) => Labels,
): readonly Gateway[] {
  const own = all.filter(each => each.parent === undefined && isOurs(each));
  const sets = all.filter(each => each.parent !== undefined && own.some(one => letsIn(one, each, labelsOf)));
  return [...own, ...sets];
}

function letsIn(
  { allowedSets, namespace }: Gateway,
  set: Gateway,
  labelsOf: (namespace: string) => Labels,
): boolean {
  if (allowedSets === undefined) return false;
  return isOfNamespaces(allowedSets, namespace, set.namespace, labelsOf);
}

/** What can be told apart on one port. */
function family(protocol: ListenerProtocol): string {
  if (protocol === 'udp') return 'udp';
  return protocol === 'https' || protocol === 'tls' ? 'tls' : protocol;
}

/** A route, as far as listeners choose by it. */
export interface Attachments extends GatewayAttachment {
  readonly namespace: string;
}

/** The host pattern that a route has at a listener; a text in words where it has none there. */
export function attachedTo(
  { listener, gateway }: JoinedListener,
  route: Attachments,
  labelsOf: (namespace: string) => Labels,
): { readonly host: string } | { readonly why: string; readonly reason: NotAttached } {
  if (route.section !== undefined && route.section !== listener.name)
    return { reason: 'NoMatchingParent', why: `the listener is called ${listener.name}` };
  if (route.port !== undefined && route.port !== listener.port)
    return { reason: 'NoMatchingParent', why: `listener ${listener.name} has port ${listener.port}` };
  if (!allowedKinds(listener).includes(route.kind))
    return {
      reason: 'NotAllowedByListeners',
      why: `listener ${listener.name} takes no routes of this kind`,
    };
  if (!allowsNamespace(listener, gateway, route.namespace, labelsOf))
    return {
      reason: 'NotAllowedByListeners',
      why: `listener ${listener.name} takes no routes of namespace ${route.namespace} (allowedRoutes)`,
    };
  const host = commonHost(route.host, listener.hostname ?? '*');
  if (host === undefined)
    return {
      reason: 'NoMatchingListenerHostname',
      why: `listener ${listener.name} is for ${listener.hostname} and not for ${route.host}`,
    };
  return { host };
}

/** Why a route does not belong to a listener, in Gateway API's words. */
export type NotAttached = 'NoMatchingParent' | 'NotAllowedByListeners' | 'NoMatchingListenerHostname';

/** The kinds of routes that a listener takes. */
export function allowedKinds({ protocol, tls, allowed }: GatewayListener): readonly AttachedKind[] {
  const fitting = kindsOf(protocol, tls?.mode);
  return allowed?.kinds === undefined ? fitting : fitting.filter(each => allowed.kinds!.includes(each));
}

function allowsNamespace(
  { allowed }: GatewayListener,
  gateway: Gateway,
  namespace: string,
  labelsOf: (namespace: string) => Labels,
): boolean {
  return isOfNamespaces(allowed?.namespaces ?? 'same', gateway.namespace, namespace, labelsOf);
}

function isOfNamespaces(
  namespaces: AllowedRoutes['namespaces'],
  own: string,
  namespace: string,
  labelsOf: (namespace: string) => Labels,
): boolean {
  if (namespaces === 'all') return true;
  if (namespaces === 'same') return namespace === own;
  return matchesLabels(namespaces, { ...labelsOf(namespace), [NAMESPACE_NAME_LABEL]: namespace });
}
