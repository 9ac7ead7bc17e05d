import type { JwtProvider, RequestAuthenticationPolicy } from './authentication.ts';
import type { AuthorizationPolicy } from './authorization.ts';
import type { BackendTls, UpstreamCredential } from './backend-tls.ts';
import { type CertificateIssuer, issuerKey, type ServedChallenges } from './certificate-issuer.ts';
import { equal } from './equal.ts';
import {
  type Credential,
  type CredentialGrant,
  credentialKey,
  type Gateway,
  type GatewayClass,
  type GatewayHost,
  gatewayName,
  type ListenerSet,
  type SelectedGateway,
  type ServedIngress,
} from './gateway.ts';
import type { Namespace } from './gateway-attachment.ts';
import type { MachineGroup } from './machine.ts';
import { hasSettings, type PeerPolicy, type TrafficPolicy } from './policy.ts';
import type { EgressScope, InboundRateLimit, RouteTable, Subset } from './routing.ts';
import type { ServerPolicy } from './server-policy.ts';
import { ShardedMap } from './sharded-map.ts';
import type { TelemetryPolicy } from './telemetry.ts';

/**
 * The kinds of policies, by the name of their map in Mesh. A new one is a line here and a row in POLICY_KINDS: its part, its map,
 * its fact and its reader follow from that.
 */
export interface PolicyKinds {
  peerPolicies: PeerPolicy;
  trafficPolicies: TrafficPolicy;
  routeTables: RouteTable;
  subsets: Subset;
  egressScopes: EgressScope;
  inboundRateLimits: InboundRateLimit;
  telemetry: TelemetryPolicy;
  authorizationPolicies: AuthorizationPolicy;
  requestAuthentications: RequestAuthenticationPolicy;
  jwtProviders: JwtProvider;
  serverPolicies: ServerPolicy;
  gateways: Gateway;
  listenerSets: ListenerSet;
  selectedGateways: SelectedGateway;
  gatewayHosts: GatewayHost;
  gatewayClasses: GatewayClass;
  credentials: Credential;
  credentialGrants: CredentialGrant;
  certificateIssuers: CertificateIssuer;
  servedChallenges: ServedChallenges;
  namespaces: Namespace;
  servedIngresses: ServedIngress;
  backendTls: BackendTls;
  upstreamCredentials: UpstreamCredential;
  machineGroups: MachineGroup;
}

export type PolicyKind = keyof PolicyKinds;

/** What is particular to a kind. */
export interface PolicyRow<V> {
  /** Unlike any other's: the first word of the names of its facts (see fact.ts). */
  readonly fact: string;
  /** Where it is looked for: by host, or by namespace, empty for the whole mesh. */
  readonly group: (policy: V) => string;
  /**
   * Whether both speak of the same, so that only the first counts and the author of the other is told. Order: rank, then the
   * older. Undefined where none keeps another from counting.
   */
  readonly sameScope?: (left: V, right: V) => boolean;
  /** Labels of callers that it looks at, so that callers are told apart by them. */
  readonly callerLabels?: (policy: V) => readonly string[];
}

export const POLICY_KINDS: { readonly [K in PolicyKind]: PolicyRow<PolicyKinds[K]> } = {
  peerPolicies: {
    fact: 'peer-policies',
    group: ({ namespace = '' }) => namespace,
    sameScope: (left, right) => equal(left.selector, right.selector),
  },
  trafficPolicies: {
    fact: 'traffic-policies',
    group: ({ host }) => host,
    // One that says nothing only marks that its object is there, and keeps nobody from speaking.
    sameScope: (left, right) =>
      hasSettings(left) && hasSettings(right) && equal(scopeOf(left), scopeOf(right)),
    callerLabels: ({ callerSelector = {}, balancer }) => [
      ...Object.keys(callerSelector),
      ...(balancer?.locality?.failoverPriority ?? []).map(each => each.split('=')[0]!),
    ],
  },
  // Its parts and its shadows are translate/assemble's own business: tables borrow from other objects, and hide each other in
  // part.
  routeTables: { fact: 'route-tables', group: ({ host }) => host },
  subsets: {
    fact: 'subsets',
    group: ({ host }) => host,
    sameScope: (left, right) =>
      left.name === right.name &&
      left.callerNamespace === right.callerNamespace &&
      left.meshWide === right.meshWide &&
      equal(left.visibleTo, right.visibleTo),
  },
  egressScopes: {
    fact: 'egress-scopes',
    group: ({ namespace }) => namespace,
    sameScope: (left, right) => equal(left.selector, right.selector),
    callerLabels: ({ selector = {} }) => Object.keys(selector),
  },
  // All that select a workload hold.
  inboundRateLimits: {
    fact: 'inbound-rate-limits',
    group: ({ namespace }) => namespace,
  },
  telemetry: {
    fact: 'telemetry',
    group: ({ namespace = '' }) => namespace,
    sameScope: (left, right) => equal(left.selector, right.selector),
  },
  // All that select a workload are asked, whatever their scope; but of Consul's entries there is one for each destination.
  authorizationPolicies: {
    fact: 'authorization-policies',
    group: ({ namespace = '' }) => namespace,
    sameScope: (left, right) =>
      left.onePerScope === true && right.onePerScope === true && equal(left.services, right.services),
  },
  // All that select a workload hold together.
  requestAuthentications: {
    fact: 'request-authentications',
    group: ({ namespace = '' }) => namespace,
  },
  jwtProviders: {
    fact: 'jwt-providers',
    group: ({ name }) => name,
    sameScope: () => true,
  },
  // Parts of one whole; of Servers one counts for a port.
  serverPolicies: {
    fact: 'server-policies',
    group: ({ namespace }) => namespace,
    sameScope: (left, right) =>
      left.is === 'server' &&
      right.is === 'server' &&
      left.port !== undefined &&
      left.port === right.port &&
      equal(left.selector, right.selector),
  },
  // Their listeners are joined; see joinedListeners.
  gateways: {
    fact: 'gateways',
    group: gatewayName,
  },
  // All that select a gateway hold there.
  selectedGateways: {
    fact: 'selected-gateways',
    group: () => '',
    callerLabels: ({ selector }) => Object.keys(selector),
  },
  listenerSets: {
    fact: 'listener-sets',
    group: ({ key }) => key,
    sameScope: () => true,
  },
  gatewayHosts: {
    fact: 'gateway-hosts',
    group: ({ gateway }) => gateway,
  },
  gatewayClasses: {
    fact: 'gateway-classes',
    group: ({ name }) => name,
    sameScope: () => true,
  },
  credentialGrants: {
    fact: 'credential-grants',
    group: ({ namespace }) => namespace,
  },
  credentials: {
    fact: 'credentials',
    group: credentialKey,
    sameScope: () => true,
  },
  certificateIssuers: {
    fact: 'certificate-issuers',
    group: issuerKey,
    sameScope: () => true,
  },
  servedChallenges: {
    fact: 'served-challenges',
    group: ({ namespace }) => namespace,
    sameScope: () => false,
  },
  namespaces: {
    fact: 'namespaces',
    group: ({ name }) => name,
    sameScope: () => true,
  },
  servedIngresses: {
    fact: 'served-ingresses',
    group: ({ namespace, name }) => `${namespace}/${name}`,
    sameScope: () => true,
  },
  backendTls: {
    fact: 'backend-tls',
    group: ({ host }) => host,
    sameScope: (left, right) => left.portName === right.portName,
  },
  // Whoever names a Secret does not keep others from naming it.
  upstreamCredentials: {
    fact: 'upstream-credentials',
    group: ({ name }) => name,
    callerLabels: ({ selector = {} }) => Object.keys(selector),
  },
  machineGroups: {
    fact: 'machine-groups',
    group: ({ namespace, name }) => `${namespace}/${name}`,
    sameScope: () => true,
  },
};

/** The maps of Mesh: by PolicyRow.group, each list in the order in which its policies count. */
export type PolicyMaps = {
  readonly [K in PolicyKind]: ReadonlyMap<string, readonly PolicyKinds[K][]>;
};

/** Without any policy. */
export function emptyPolicies(): PolicyMaps {
  const maps = Object.keys(POLICY_KINDS).map(kind => [kind, ShardedMap.empty()]);
  return Object.fromEntries(maps) as PolicyMaps;
}

function scopeOf(policy: TrafficPolicy): unknown {
  const { from, meshWide, callerNamespace, callerSelector, serviceNamespace, visibleTo } = policy;
  const { port, subset } = policy;
  return [from.kind, meshWide, callerNamespace, callerSelector, serviceNamespace, visibleTo, port, subset];
}
