// What is joined of a gateway: its listeners out of all objects that speak of it, for those who serve it. There may be thousands,
// so it is joined anew only where one of the facts is touched that it rests on, and who looks at one listener rests on that
// listener alone: `derivedFacts` says which of them differ in a new version of the mesh.
import {
  attachedTo,
  type CredentialRef,
  credentialKey,
  equal,
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
import { candidates } from './host-index.ts';
import { MeshReader } from './mesh-reader.ts';

/** A listener that a proxy serves, of one of the gateways that its name stands for. */
export interface ServedListener extends JoinedListener {
  /** What routes name as their parent: GatewayAttachment.gateway. */
  readonly of: string;
  /** `namespace/name` of the gateway that it is served for. */
  readonly served: string;
  /** Of one that does not read requests: the patterns of its routes, each with the host that it has here. */
  readonly streamHosts: readonly (readonly [pattern: string, host: string])[];
  /** Port and listenerId. */
  readonly place: string;
  /** By credentialKey: the certificates that it names. */
  readonly names: ReadonlyMap<string, CredentialRef>;
}

/** The namespace of a proxy that reads all objects itself and serves every gateway of them; no workload has it. */
export const ANY_NAMESPACE = '*';

/** A certificate's name where a listener says it, and who says it. */
export interface Naming {
  readonly named: CredentialRef;
  readonly gateway: Gateway;
}

/** What is joined of a gateway, and the facts it rests on. */
interface JoinedGateway {
  readonly caller: Caller;
  readonly name: string;
  readonly listeners: readonly ServedListener[];
  /** Whether any object speaks of it, be it that none of its listeners can be. */
  readonly isThere: boolean;
  /** By port and listenerId. */
  readonly open: ReadonlyMap<string, ServedListener>;
  /** By credentialKey. */
  readonly naming: ReadonlyMap<string, readonly Naming[]>;
  /** Those of `naming` that a gateway shows to its upstreams. */
  readonly shown: ReadonlySet<string>;
  readonly facts: ReadonlySet<string>;
}

/** The listeners of a gateway, for proxies that serve it: those who run elsewhere learn of none. */
export function listenersOf(reader: MeshReader, caller: Caller, name: string): readonly ServedListener[] {
  const { id, joined } = joinedOf(reader, caller, name);
  reader.facts.add(derived.all(id));
  return joined.listeners;
}

/** Whether there is such a gateway for proxies of this caller to serve, though it may have no listener. */
export function isThere(reader: MeshReader, caller: Caller, name: string): boolean {
  const { id, joined } = joinedOf(reader, caller, name);
  reader.facts.add(derived.all(id));
  return joined.isThere;
}

/** The listener of this port and listenerId, where it is opened. */
export function openListener(
  reader: MeshReader,
  caller: Caller,
  { gateway, port, listener }: Pick<VirtualHost, 'gateway' | 'port' | 'listener'>,
): ServedListener | undefined {
  const { id, joined } = joinedOf(reader, caller, gateway);
  const place = `${port} ${listener}`;
  reader.facts.add(derived.listener(id, place));
  return joined.open.get(place);
}

/** Who names the certificate: listeners, and the gateway that shows it to its upstreams. `credential`: see credentialKey. */
export function namingOf(
  reader: MeshReader,
  caller: Caller,
  name: string,
  credential: string,
): readonly Naming[] {
  const { id, joined } = joinedOf(reader, caller, name);
  reader.facts.add(derived.naming(id, credential));
  return joined.naming.get(credential) ?? [];
}

/** Names of facts that follow from others: what is joined of a gateway. */
const derived = {
  /** Somebody uses it. Never touched. */
  use: (id: string): string => `joined ${id}`,
  all: (id: string): string => `joined ${id} all`,
  listener: (id: string, place: string): string => `joined ${id} listener ${place}`,
  naming: (id: string, credential: string): string => `joined ${id} credential ${credential}`,
} as const;

/** By what of the caller counts, and the gateway's name. */
const joins = new WeakMap<Mesh, Map<string, JoinedGateway>>();
const callerIds = new WeakMap<Caller, string>();

function joinedOf(
  reader: MeshReader,
  caller: Caller,
  name: string,
): { readonly id: string; readonly joined: JoinedGateway } {
  const ofMesh = joins.get(reader.mesh) ?? new Map<string, JoinedGateway>();
  joins.set(reader.mesh, ofMesh);
  const id = `${name} ${callerId(caller)}`;
  const joined = ofMesh.get(id) ?? join(reader.mesh, caller, name);
  ofMesh.set(id, joined);
  reader.facts.add(derived.use(id));
  return { id, joined };
}

function callerId(caller: Caller): string {
  const known = callerIds.get(caller);
  if (known !== undefined) return known;
  const labels = Object.entries(caller.labels).sort(([left], [right]) => (left < right ? -1 : 1));
  const id = `${caller.namespace} ${JSON.stringify(labels)}`;
  callerIds.set(caller, id);
  return id;
}

/**
 * Facts about what is joined that differ between two versions of the mesh, by what was `touched` between them. What is joined in
 * the first goes over to the second unless nobody uses it (`isFollowed`), so that it is not joined anew for each version.
 */
export function derivedFacts(
  before: Mesh,
  after: Mesh,
  touched: ReadonlySet<string>,
  isFollowed: (fact: string) => boolean,
): ReadonlySet<string> {
  const found = new Set<string>();
  const known = before === after ? undefined : joins.get(before);
  if (known === undefined) return found;
  const next = joins.get(after) ?? new Map<string, JoinedGateway>();
  joins.set(after, next);
  for (const [id, joined] of known) {
    if (!isFollowed(derived.use(id))) continue;
    if (!intersects(joined.facts, touched)) {
      next.set(id, joined);
      continue;
    }
    const now = next.get(id) ?? joinAgain(after, joined);
    if (now !== undefined) next.set(id, now);
    differing(id, joined, now, found);
  }
  return found;
}

/** Undefined where it cannot be joined: whoever asks for it then is told so. */
function joinAgain(mesh: Mesh, before: JoinedGateway): JoinedGateway | undefined {
  try {
    return join(mesh, before.caller, before.name, before.listeners);
  } catch {
    return undefined;
  }
}

function intersects(left: ReadonlySet<string>, right: ReadonlySet<string>): boolean {
  const [few, many] = left.size < right.size ? [left, right] : [right, left];
  for (const each of few) if (many.has(each)) return true;
  return false;
}

/** Adds to `found` the facts in which they differ; all where there is no `after`. */
function differing(
  id: string,
  before: JoinedGateway,
  after: JoinedGateway | undefined,
  found: Set<string>,
): void {
  const [then, now] = [before.listeners, after?.listeners ?? []];
  const isAlike =
    after !== undefined &&
    before.isThere === after.isThere &&
    then.length === now.length &&
    equal([...before.shown], [...after.shown]) &&
    then.every((each, index) => isSame(each, now[index]!));
  if (isAlike) return;
  found.add(derived.all(id));
  const [known, left] = [new Set(then), new Set(now)];
  // Of thousands nearly all are the very same.
  const others = [...then.filter(each => !left.has(each)), ...now.filter(each => !known.has(each))];
  for (const place of new Set(others.map(each => each.place)))
    if (!isAlikeOr(isSame, before.open.get(place), after?.open.get(place)))
      found.add(derived.listener(id, place));
  // What gateways show to their upstreams stands with no listener.
  const shown = [before, after].flatMap(each => [...(each?.shown ?? [])]);
  for (const credential of new Set([...shown, ...others.flatMap(each => [...each.names.keys()])]))
    if (!isAlikeOr(isNamedAlike, before.naming.get(credential), after?.naming.get(credential)))
      found.add(derived.naming(id, credential));
}

function isAlikeOr<V>(
  isAlike: (left: V, right: V) => boolean,
  left: V | undefined,
  right: V | undefined,
): boolean {
  return left === undefined || right === undefined ? left === right : isAlike(left, right);
}

/** Whether nothing is another that anybody reads who rests on this listener. */
function isSame(left: ServedListener, right: ServedListener): boolean {
  if (left === right) return true;
  return (
    left.conflict === right.conflict &&
    equal(left.listener, right.listener) &&
    isSameBut(left.gateway, right.gateway) &&
    isSameBut(left.root, right.root) &&
    equal(left.streamHosts, right.streamHosts)
  );
}

/** But for their other listeners. */
function isSameBut(left: Gateway, right: Gateway): boolean {
  return left === right || equal({ ...left, listeners: [] }, { ...right, listeners: [] });
}

function isNamedAlike(left: readonly Naming[], right: readonly Naming[]): boolean {
  return (
    left.length === right.length &&
    left.every(
      ({ named, gateway }, index) =>
        equal(named, right[index]!.named) && isSameBut(gateway, right[index]!.gateway),
    )
  );
}

/** `known`: listeners of an earlier version; each stays the very same object where nothing of it differs. */
function join(
  mesh: Mesh,
  caller: Caller,
  name: string,
  known: readonly ServedListener[] = [],
): JoinedGateway {
  const reader = new MeshReader(mesh);
  const objects = servedObjects(
    reader.policies('gateways', name),
    each => serves(reader, caller, each),
    namespace => labelsOf(reader, namespace),
  );
  const before = new Map(known.map(each => [each.listener, each]));
  const all = [...objects, ...selected(reader, caller, name)];
  const listeners = joinedListeners(all).map(each => {
    const same = before.get(each.listener);
    const served = servedListener(reader, caller, each, name, same);
    return same !== undefined && isUnmoved(same, served) ? same : served;
  });
  const open = new Map<string, ServedListener>();
  const naming = new Map<string, Naming[]>();
  const shown = new Set<string>();
  const add = (key: string, one: Naming): void => {
    const same = naming.get(key);
    if (same === undefined) naming.set(key, [one]);
    else same.push(one);
  };
  for (const each of listeners) {
    const { gateway, place, names } = each;
    if (each.conflict === undefined && !open.has(place)) open.set(place, each);
    for (const [key, named] of names) add(key, { named, gateway });
  }
  for (const gateway of all)
    for (const named of [gateway.clientCertificate ?? [], gateway.shows ?? []].flat()) {
      const key = credentialKey(placed(named, caller, gateway));
      shown.add(key);
      add(key, { named, gateway });
    }
  return { caller, name, listeners, isThere: all.length > 0, open, naming, shown, facts: reader.facts };
}

/** `same`: what the same listener was in an earlier version. */
function servedListener(
  reader: MeshReader,
  caller: Caller,
  joined: JoinedListener,
  served: string,
  same: ServedListener | undefined,
): ServedListener {
  const { listener, gateway } = joined;
  const of = parentKey(gateway);
  const names = (): ServedListener['names'] =>
    new Map(
      (listener.tls?.certificates ?? []).map(each => [credentialKey(placed(each, caller, gateway)), each]),
    );
  return {
    ...joined,
    ...{ of, served, streamHosts: streamHostsOf(reader, joined, of) },
    place: same?.place ?? `${listener.port} ${listenerId(listener)}`,
    names: same?.gateway === gateway ? same.names : names(),
  };
}

function isUnmoved(left: ServedListener, right: ServedListener): boolean {
  return (
    left.gateway === right.gateway &&
    left.root === right.root &&
    left.conflict === right.conflict &&
    equal(left.streamHosts, right.streamHosts)
  );
}

function streamHostsOf(
  reader: MeshReader,
  joined: JoinedListener,
  of: string,
): ServedListener['streamHosts'] {
  const { protocol, hostname } = joined.listener;
  if (protocol === 'http' || protocol === 'https') return [];
  const known = new Map<string, string>();
  for (const route of candidates(reader.policies('gatewayHosts', of), hostname)) {
    const host = hostAt(reader, joined, route);
    if (host !== undefined) known.set(route.host, host);
  }
  return [...known];
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
