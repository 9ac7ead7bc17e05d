import { deploymentName, settingsOf } from '../../deployment/index.ts';
import {
  type AttachedKind,
  allowedKinds,
  attachedTo,
  type Gateway,
  type JoinedListener,
  kindsOf,
  listenerSetKey,
  type Mesh,
  type ObjectRef,
  parentKey,
} from '../../model/index.ts';
import { recordOf, recordsOf } from '../../plain/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import { whyNoCredential, whyUnavailable } from '../assemble/gateway-problems.ts';
import { GATEWAY_GROUP } from '../gateway/index.ts';
import { SUPPORTED_FEATURES } from './features.ts';
import { type GatewayJoin, hostsOfRoute, joinOf } from './gateway-joins.ts';
import { insecureFrontend } from './insecure-frontend.ts';
import type { Condition, ListenerStatus, StatusContent } from './object-status.ts';
import { idOf } from './table-index.ts';

/** What kinds of routes are called in the API. */
const kindNames: Readonly<Record<AttachedKind, string>> = {
  http: 'HTTPRoute',
  grpc: 'GRPCRoute',
  tls: 'TLSRoute',
  tcp: 'TCPRoute',
  udp: 'UDPRoute',
};

/** The status of a Gateway that is ours; undefined for those of others. */
export function gatewayStatus(object: KubeObject, ref: ObjectRef, mesh: Mesh): StatusContent | undefined {
  const name = `${ref.namespace}/${ref.name}`;
  const join = joinOf(name, mesh);
  const gateway = join.objects.find(each => idOf(each.from) === idOf(ref));
  if (gateway === undefined) return undefined;
  const listeners = listenersOf(object, gateway, join, mesh);
  const sound = listeners.filter(isSound);
  const sets = join.objects.filter(each => each.parent !== undefined && hasSound(each, join, mesh));
  const address = addressesOf(gateway, mesh);
  return {
    shape: 'gateway',
    attachedSets: sets.length,
    addresses: address.addresses,
    conditions: [
      unsupportedOf(gateway, mesh) ?? acceptedOf(listeners, sound),
      programmedOf(sound, address),
      gatewayResolved(gateway, listeners, mesh),
      ...insecureFrontend(object),
    ],
    listeners,
  };
}

function listenersOf(
  object: KubeObject,
  gateway: Gateway,
  { byObject }: GatewayJoin,
  mesh: Mesh,
): readonly ListenerStatus[] {
  const joined = byObject.get(gateway) ?? [];
  return recordsOf(recordOf(object.spec).listeners).map((raw, index) =>
    listenerStatus(
      raw,
      joined.find(each => each.listener.path === `spec.listeners[${index}]`),
      parentKey(gateway),
      mesh,
    ),
  );
}

function isSound({ conditions }: ListenerStatus): boolean {
  const holds = (wanted: string): boolean =>
    conditions.some(({ type, status }) => type === wanted && status === 'True');
  return holds('Accepted') && holds('Programmed');
}

/** Whether one of the set's listeners is opened. */
function hasSound(set: Gateway, { byObject }: GatewayJoin, mesh: Mesh): boolean {
  return (byObject.get(set) ?? []).some(
    each =>
      each.conflict === undefined &&
      whyUnavailable(each, mesh) === undefined &&
      whyUnresolved(each, mesh) === undefined,
  );
}

/** The status of a ListenerSet whose Gateway is ours; undefined for those of others. */
export function listenerSetStatus(object: KubeObject, ref: ObjectRef, mesh: Mesh): StatusContent | undefined {
  const name = mesh.listenerSets.get(listenerSetKey(ref.namespace, ref.name))?.[0]?.gateway ?? '';
  const all = mesh.gateways.get(name) ?? [];
  const join = joinOf(name, mesh);
  const [root] = join.objects;
  const set = all.find(each => each.parent !== undefined && idOf(each.from) === idOf(ref));
  if (root === undefined || set === undefined) return undefined;
  const both = (reason: string, message: string): readonly Condition[] =>
    ['Accepted', 'Programmed'].map(type => ({ type, status: 'False' as const, reason, message }));
  if (!join.objects.includes(set)) {
    const message = `Gateway ${name} lets in no ListenerSet of namespace ${ref.namespace} (allowedListeners)`;
    return { shape: 'listener-set', conditions: both('NotAllowed', message), listeners: [] };
  }
  const listeners = listenersOf(object, set, join, mesh);
  const bad = listeners.filter(each => !isSound(each)).map(each => each.name);
  if (bad.length === listeners.length)
    return {
      shape: 'listener-set',
      conditions: both('ListenersNotValid', 'no listener is sound'),
      listeners,
    };
  const { why } = addressesOf(root, mesh);
  const message = bad.length === 0 ? 'every listener is sound' : `not opened: ${bad.join(', ')}`;
  return {
    shape: 'listener-set',
    conditions: [
      {
        type: 'Accepted',
        status: 'True',
        reason: bad.length === 0 ? 'Accepted' : 'ListenersNotValid',
        message,
      },
      why === undefined
        ? { type: 'Programmed', status: 'True', reason: 'Programmed', message: '' }
        : { type: 'Programmed', status: 'False', reason: 'ParentNotProgrammed', message: why },
    ],
    listeners,
  };
}

/** Of its own references, and in sum those of its listeners. */
function gatewayResolved(gateway: Gateway, listeners: readonly ListenerStatus[], mesh: Mesh): Condition {
  const not = (reason: string, message: string): Condition => ({
    ...{ type: 'ResolvedRefs', status: 'False' },
    ...{ reason, message },
  });
  const { clientCertificate, problems = [] } = gateway;
  const path = 'spec.tls.backend.clientCertificateRef';
  const wrongKind = problems.find(each => each.code === 'reference-kind-invalid' && each.path === path);
  if (wrongKind !== undefined) return not('InvalidClientCertificateRef', wrongKind.message);
  const wrong =
    clientCertificate && whyNoCredential(gateway, clientCertificate, ['tls.crt', 'tls.key'], mesh);
  if (wrong !== undefined) {
    const isForbidden = wrong.code === 'reference-not-permitted';
    return not(isForbidden ? 'RefNotPermitted' : 'InvalidClientCertificateRef', `${path}: ${wrong.why}`);
  }
  const unresolved = listeners.filter(({ conditions }) =>
    conditions.some(({ type, status }) => type === 'ResolvedRefs' && status === 'False'),
  );
  if (unresolved.length > 0)
    return not('ListenersNotResolved', `of listeners ${unresolved.map(each => each.name).join(', ')}`);
  return { type: 'ResolvedRefs', status: 'True', reason: 'ResolvedRefs', message: '' };
}

/** That nothing is made of the Gateway as it stands; undefined where it can be. */
function unsupportedOf(gateway: Gateway, mesh: Mesh): Condition | undefined {
  const not = (reason: string, message: string): Condition => ({
    ...{ type: 'Accepted', status: 'False', reason, message },
  });
  const wrong = (gateway.addresses ?? []).find(
    ({ type, value }) => type !== 'IPAddress' && !(type === 'Hostname' && value === undefined),
  );
  if (wrong !== undefined)
    return not('UnsupportedAddress', `spec.addresses: an address of type ${wrong.type} cannot be asked for`);
  const read = settingsOf(gateway, mesh);
  return 'why' in read ? not('InvalidParameters', read.why) : undefined;
}

function acceptedOf(all: readonly ListenerStatus[], sound: readonly ListenerStatus[]): Condition {
  const bad = all.filter(each => !sound.includes(each)).map(each => each.name);
  const message =
    bad.length === 0
      ? 'every listener is sound'
      : `listeners that are not opened as they stand: ${bad.join(', ')}`;
  if (sound.length === 0) return { type: 'Accepted', status: 'False', reason: 'ListenersNotValid', message };
  return {
    ...{ type: 'Accepted', status: 'True', message },
    reason: bad.length === 0 ? 'Accepted' : 'ListenersNotValid',
  };
}

function programmedOf(sound: readonly ListenerStatus[], { reason, why = '' }: Addresses): Condition {
  const not = (because: string, message: string): Condition => ({
    ...{ type: 'Programmed', status: 'False', reason: because, message },
  });
  if (sound.length === 0) return not('Invalid', 'no listener is sound');
  if (reason !== undefined) return not(reason, why);
  return {
    type: 'Programmed',
    status: 'True',
    reason: 'Programmed',
    message: 'proxies of this gateway are told it',
  };
}

interface Addresses {
  readonly addresses: readonly string[];
  /** Undefined where it has what it needs. */
  readonly reason?: 'AddressNotAssigned' | 'AddressNotUsable';
  readonly why?: string;
}

/** Those of the Service in front of its proxies: of its load balancer, where it has one. */
function addressesOf(gateway: Gateway, { services }: Mesh): Addresses {
  const { namespace, name, className = '', addresses: requested = [] } = gateway;
  const called = deploymentName(name, className);
  const service = services.get(`${namespace}/${called}`);
  const found = service?.balancer ?? service?.addresses ?? [];
  const wanted = requested.flatMap(({ type, value }) => (type === 'IPAddress' && value ? [value] : []));
  const missing = wanted.filter(each => !found.includes(each));
  if (missing.length > 0)
    return {
      addresses: wanted.filter(each => found.includes(each)),
      reason: 'AddressNotUsable',
      why: `Service ${called} has not been given ${missing.join(', ')}`,
    };
  if (found.length > 0) return { addresses: wanted.length > 0 ? wanted : found };
  const why =
    service === undefined
      ? `there is no Service ${called} in ${namespace}; docs/gateway.md tells how it is made`
      : `Service ${called} has no address yet`;
  return { addresses: [], reason: 'AddressNotAssigned', why };
}

function listenerStatus(
  raw: Readonly<Record<string, unknown>>,
  joined: JoinedListener | undefined,
  gateway: string,
  mesh: Mesh,
): ListenerStatus {
  const name = String(raw.name ?? '');
  if (joined === undefined) {
    const isKnown = ['HTTP', 'HTTPS', 'TLS', 'TCP', 'UDP'].includes(String(raw.protocol));
    const reason = isKnown ? 'UnsupportedValue' : 'UnsupportedProtocol';
    const message = isKnown
      ? 'a field cannot be; see the problems of this object'
      : `protocol ${String(raw.protocol)} is not supported`;
    const conditions: readonly Condition[] = [
      { type: 'Accepted', status: 'False', reason, message },
      { type: 'Programmed', status: 'False', reason: 'Invalid', message },
      { type: 'ResolvedRefs', status: 'True', reason: 'ResolvedRefs', message: '' },
      { type: 'Conflicted', status: 'False', reason: 'NoConflicts', message: '' },
    ];
    return { name, supportedKinds: [], attachedRoutes: 0, conditions };
  }
  const { conflict } = joined;
  const resolved = resolvedOf(raw, joined, mesh);
  const words = 'another listener has this port, and one of them must have another hostname or port';
  const unavailable = whyUnavailable(joined, mesh);
  const closed =
    conflict !== undefined
      ? { reason: conflict, message: words }
      : unavailable !== undefined
        ? { reason: 'PortUnavailable', message: unavailable }
        : trustsNobody(joined, mesh) && {
            reason: 'NoValidCACertificate',
            message: 'no authority of clients can be had, so that nobody can connect',
          };
  // A kind that is none here leaves the others.
  const isResolved =
    resolved.status === 'True' ||
    (resolved.reason === 'InvalidRouteKinds' && allowedKinds(joined.listener).length > 0);
  const isOpen = !closed && isResolved;
  return {
    name,
    supportedKinds: allowedKinds(joined.listener).map(each => kindNames[each]),
    attachedRoutes: attachedCount(joined, gateway, mesh),
    conditions: [
      closed
        ? { type: 'Accepted', status: 'False', ...closed }
        : { type: 'Accepted', status: 'True', reason: 'Accepted', message: '' },
      {
        ...{ type: 'Programmed', status: isOpen ? 'True' : 'False' },
        ...{ reason: isOpen ? 'Programmed' : (conflict ?? 'Invalid') },
        ...{ message: isOpen ? '' : resolved.message || (closed ? closed.message : '') },
      },
      resolved,
      conflict === undefined
        ? { type: 'Conflicted', status: 'False', reason: 'NoConflicts', message: '' }
        : { type: 'Conflicted', status: 'True', reason: conflict, message: words },
    ],
  };
}

function resolvedOf(raw: Readonly<Record<string, unknown>>, joined: JoinedListener, mesh: Mesh): Condition {
  const not = (reason: string, message: string): Condition => ({
    type: 'ResolvedRefs',
    status: 'False',
    reason,
    message,
  });
  const fitting = kindsOf(joined.listener.protocol, joined.listener.tls?.mode).map(each => kindNames[each]);
  const wrongKind = recordsOf(recordOf(raw.allowedRoutes).kinds).find(
    ({ group = GATEWAY_GROUP, kind }) => group !== GATEWAY_GROUP || !fitting.includes(String(kind)),
  );
  if (wrongKind !== undefined)
    return not(
      'InvalidRouteKinds',
      `no routes are of kind ${String(wrongKind.kind)} here; name ${fitting.join(' or ')}`,
    );
  const { tls } = joined.listener;
  if (tls?.mode === 'terminate') {
    const written = recordsOf(recordOf(raw.tls).certificateRefs);
    if (written.length > tls.certificates.length)
      return not('InvalidCertificateRef', 'certificates are read from Secrets');
  }
  const unresolved = whyUnresolved(joined, mesh);
  if (unresolved !== undefined) return not(unresolved.reason, unresolved.why);
  return { type: 'ResolvedRefs', status: 'True', reason: 'ResolvedRefs', message: '' };
}

/** Whether it asks clients for certificates, and has no authority to judge them by. */
function trustsNobody({ listener: { tls }, root }: JoinedListener, mesh: Mesh): boolean {
  const { clients } = tls ?? {};
  if (clients === undefined || clients.authoritiesFile !== undefined) return false;
  return clients.authorities.every(ref => whyNoCredential(root, ref, ['ca.crt'], mesh) !== undefined);
}

/** What of a listener's certificates and authorities cannot be had. */
function whyUnresolved(
  { listener, gateway, root }: JoinedListener,
  mesh: Mesh,
): { readonly reason: string; readonly why: string } | undefined {
  const { tls } = listener;
  if (allowedKinds(listener).length === 0)
    return { reason: 'InvalidRouteKinds', why: 'no kind of routes that fits is allowed' };
  if (tls?.mode !== 'terminate') return undefined;
  if (tls.certificates.length === 0)
    return { reason: 'InvalidCertificateRef', why: 'no certificate is named' };
  // Those of other kinds are left out where the object is read.
  if (tls.clients?.authorities.length === 0 && tls.clients.authoritiesFile === undefined)
    return { reason: 'InvalidCACertificateKind', why: 'authorities of clients are read from ConfigMaps' };
  const refs = [
    ...tls.certificates.map(ref => ({
      ref,
      of: gateway,
      keys: ['tls.crt', 'tls.key'],
      bad: 'InvalidCertificateRef',
    })),
    ...(tls.clients?.authorities ?? []).map(ref => ({
      ref,
      of: root,
      keys: ['ca.crt'],
      bad: 'InvalidCACertificateRef',
    })),
  ];
  for (const { ref, of, keys, bad } of refs) {
    const wrong = whyNoCredential(of, ref, keys, mesh);
    if (wrong !== undefined)
      return { reason: wrong.code === 'reference-not-permitted' ? 'RefNotPermitted' : bad, why: wrong.why };
  }
  return undefined;
}

/** Routes that belong to the listener, each counted once however many hosts it has. */
function attachedCount(joined: JoinedListener, gateway: string, mesh: Mesh): number {
  const found = new Set<string>();
  for (const route of mesh.gatewayHosts.get(gateway) ?? [])
    if ('host' in attachedTo(joined, route, namespace => labelsOf(namespace, mesh)))
      found.add(idOf(route.from));
  return found.size;
}

function labelsOf(namespace: string, { namespaces }: Mesh): Readonly<Record<string, string>> {
  return namespaces.get(namespace)?.[0]?.labels ?? {};
}

/** The status of a class that is ours. */
export function gatewayClassStatus(object: KubeObject, controller: string): StatusContent | undefined {
  if (recordOf(object.spec).controllerName !== controller) return undefined;
  return {
    shape: 'class',
    conditions: [
      { type: 'Accepted', status: 'True', reason: 'Accepted', message: 'Weft serves its Gateways' },
    ],
    features: SUPPORTED_FEATURES,
  };
}

/** Whether a route belongs to a Gateway, as its status says it; undefined where the Gateway is not ours. */
export function attachedCondition(
  gateway: string,
  route: { readonly ref: ObjectRef; readonly section?: string; readonly port?: number },
  mesh: Mesh,
): Condition | undefined {
  const root = mesh.listenerSets.get(gateway)?.[0]?.gateway ?? gateway;
  const { objects, byParent } = joinOf(root, mesh);
  if (objects.length === 0) return undefined;
  const own = byParent.get(gateway) ?? [];
  const routes = hostsOfRoute(mesh.gatewayHosts.get(gateway) ?? [], idOf(route.ref)).filter(
    each => each.section === route.section && each.port === route.port,
  );
  const outcomes = own.flatMap(joined =>
    routes.map(each => attachedTo(joined, each, namespace => labelsOf(namespace, mesh))),
  );
  if (outcomes.some(each => 'host' in each))
    return { type: 'Accepted', status: 'True', reason: 'Accepted', message: `holds at gateway ${gateway}` };
  // The nearest miss says most: the right listener with another host, then one that takes none of these routes.
  const reasons = ['NoMatchingListenerHostname', 'NotAllowedByListeners', 'NoMatchingParent'] as const;
  for (const reason of reasons) {
    const found = outcomes.find(each => 'reason' in each && each.reason === reason);
    if (found !== undefined && 'why' in found)
      return { type: 'Accepted', status: 'False', reason, message: found.why };
  }
  return {
    type: 'Accepted',
    status: 'False',
    reason: 'NoMatchingParent',
    message: `gateway ${gateway} has no listener`,
  };
}
