import {
  DEFAULT_RETRY,
  DEFAULT_STREAM_IDLE_TIMEOUT_MS,
  DEFAULT_TCP_TRAFFIC,
  DEFAULT_TRAFFIC,
  hasSettings,
  isSpiffeId,
  matchesLabels,
  type ObjectRef,
  type Protocol,
  type RetryPolicy,
  type TrafficPolicy,
  type TrafficSettings,
} from '../model/index.ts';
import type { Caller } from './caller.ts';
import { wildcardsOf } from './hosts.ts';
import type { MeshReader } from './mesh-reader.ts';

/** Everything that policies say about traffic to one port of one host, with defaults where they say nothing. */
export interface Traffic {
  readonly settings: TrafficSettings;
  readonly timeoutMs: number;
  readonly streamIdleTimeoutMs: number;
  readonly retry: RetryPolicy;
  readonly mtls?: 'mesh' | 'disable';
  /** The policy that decided about timeouts and retries, if one did. */
  readonly routeFrom?: ObjectRef;
}

/** Which traffic is asked about. */
export interface TrafficScope {
  readonly host: string;
  readonly port: number;
  readonly subset?: string;
}

interface Candidate {
  readonly policy: TrafficPolicy;
  /** How exactly its host names ours: the length of a wildcard, more for the host itself. */
  readonly exactness: number;
  readonly position: number;
}

/** Looks up and merges the policies; see TrafficPolicy for the order. `protocol`: what the port is declared to speak. */
export function resolveTraffic(
  reader: MeshReader,
  caller: Caller,
  scope: TrafficScope,
  protocol: Protocol = 'auto',
): Traffic {
  const isTcp = protocol === 'tcp' || protocol === 'tls';
  const base = isTcp ? ofTcp : reader.h2Upgrade() ? upgraded : defaults;
  return withNames(reader, scope.host, winners(reader, caller, scope).reduce(merge, base));
}

/** Where TLS is begun and nothing says who must answer, it is who the ServiceEntry says: with the mesh's own TLS by SPIFFE id. */
function withNames(reader: MeshReader, host: string, traffic: Traffic): Traffic {
  const { settings, mtls } = traffic;
  const tls = settings.tls ?? (mtls === 'mesh' ? ({ mode: 'mesh' } as const) : undefined);
  if (tls === undefined || tls.subjectAltNames?.length) return traffic;
  const names = namesOf(reader, host).filter(each => tls.mode !== 'mesh' || isSpiffeId(each));
  return names.length === 0
    ? traffic
    : { ...traffic, settings: { ...settings, tls: { ...tls, subjectAltNames: names } } };
}

function namesOf(reader: MeshReader, host: string): readonly string[] {
  const service = reader.serviceByHost(host);
  if (service) return service.external?.subjectAltNames ?? [];
  for (const each of [host, ...wildcardsOf(host)]) {
    const known = reader.externals(each);
    if (known.length > 0) return known.flatMap(({ external }) => external?.subjectAltNames ?? []);
  }
  return [];
}

/** What each kind says, one policy for each, in the order in which they go over one another. */
export function winners(reader: MeshReader, caller: Caller, scope: TrafficScope): readonly TrafficPolicy[] {
  const kinds = new Map<string, Candidate[]>();
  for (const candidate of candidates(reader, scope.host)) {
    if (!concerns(reader, candidate.policy, caller, scope)) continue;
    const { kind } = candidate.policy.from;
    const others = kinds.get(kind);
    if (others) others.push(candidate);
    else kinds.set(kind, [candidate]);
  }
  const order = (left: Candidate, right: Candidate): number =>
    left.exactness - right.exactness || left.position - right.position;
  return [...kinds.values()]
    .map(winner)
    .sort(order)
    .map(({ policy }) => policy);
}

const defaults: Traffic = {
  settings: DEFAULT_TRAFFIC,
  timeoutMs: 0,
  streamIdleTimeoutMs: DEFAULT_STREAM_IDLE_TIMEOUT_MS,
  retry: DEFAULT_RETRY,
};

/** The same at ports that are declared to carry bytes. */
const ofTcp: Traffic = { ...defaults, settings: DEFAULT_TCP_TRAFFIC };

/** The same in a mesh that upgrades requests to HTTP/2. */
const upgraded: Traffic = { ...defaults, settings: { ...DEFAULT_TRAFFIC, http2: { upgrade: true } } };

/** Policies for the host, `*.` and each of its parent domains, and `*`. */
function candidates(reader: MeshReader, host: string): readonly Candidate[] {
  const found: Candidate[] = [];
  const add = (name: string, exactness: number): void => {
    reader.policies('trafficPolicies', name).forEach((policy, position) => {
      found.push({ policy, exactness, position });
    });
  };
  add(host, host.length + 2);
  for (const wildcard of wildcardsOf(host)) add(wildcard, wildcard.length - 1);
  return found;
}

function concerns(
  reader: MeshReader,
  policy: TrafficPolicy,
  caller: Caller,
  { host, port, subset }: TrafficScope,
): boolean {
  const { callerNamespace, callerSelector, serviceNamespace, visibleTo } = policy;
  if (callerNamespace !== undefined && callerNamespace !== caller.namespace) return false;
  if (visibleTo && !visibleTo.includes(caller.namespace)) return false;
  if (callerSelector && !matchesLabels({ matchLabels: callerSelector }, caller.labels)) return false;
  if (policy.subset !== undefined && policy.subset !== subset) return false;
  if (policy.port !== undefined && policy.port !== port) return false;
  return serviceNamespace === undefined || livesIn(reader, host, serviceNamespace);
}

/** Whether the host is that of a Service of the namespace, by its very name or the narrowest wildcard that there is. */
function livesIn(reader: MeshReader, host: string, namespace: string): boolean {
  const service = reader.serviceByHost(host);
  if (service) return service.namespace === namespace;
  for (const each of [host, ...wildcardsOf(host)]) {
    const known = reader.externals(each);
    if (known.length > 0) return known.some(external => external.namespace === namespace);
  }
  return false;
}

/**
 * What one kind says, as one policy: of the narrowest scope that has any policy, what is said for the subset laid over what is
 * said for the host; each of the two for the port where that is said, and then nothing in general.
 */
function winner(candidates: readonly Candidate[]): Candidate {
  const best = candidates.reduce((left, right) => (compareScope(right, left) > 0 ? right : left));
  const same = candidates.filter(each => compareScope(each, best) === 0);
  const general = said(same, undefined);
  const subset = said(same, same.find(each => each.policy.subset !== undefined)?.policy.subset);
  const policy = general && subset && general !== subset ? overlay(general, subset) : (subset ?? general);
  return { ...best, policy: policy ?? best.policy };
}

/** The first that says something, for the port before in general. */
function said(candidates: readonly Candidate[], subset: string | undefined): TrafficPolicy | undefined {
  const policies = candidates.map(each => each.policy).filter(each => each.subset === subset);
  return (
    policies.find(each => each.port !== undefined && hasSettings(each)) ??
    policies.find(each => each.port === undefined && hasSettings(each))
  );
}

/** Above zero where the left one is narrower. */
function compareScope(left: Candidate, right: Candidate): number {
  const rank = ({ policy, exactness }: Candidate): readonly number[] => [
    policy.callerSelector === undefined ? 0 : 1,
    policy.callerNamespace === undefined ? 0 : 1,
    policy.meshWide ? 0 : 1,
    exactness,
  ];
  const [ranks, others] = [rank(left), rank(right)];
  const index = ranks.findIndex((value, at) => value !== others[at]);
  return index < 0 ? 0 : ranks[index]! - others[index]!;
}

/** Connection settings, balancer, outlier detection and TLS each go over as a whole, as DestinationRules have them. */
function overlay(general: TrafficPolicy, subset: TrafficPolicy): TrafficPolicy {
  const { limits, connectTimeoutMs, idleTimeoutMs, tcpKeepalive, http2, tls, mtls, ...rest } = general;
  const pool =
    subset.limits ||
    subset.connectTimeoutMs !== undefined ||
    subset.idleTimeoutMs !== undefined ||
    subset.tcpKeepalive !== undefined ||
    subset.http2 !== undefined;
  const secured = subset.tls !== undefined || subset.mtls !== undefined;
  const defined = Object.fromEntries(Object.entries(subset).filter(([, value]) => value !== undefined));
  return {
    ...rest,
    ...(pool ? {} : { limits, connectTimeoutMs, idleTimeoutMs, tcpKeepalive, http2 }),
    ...(secured ? {} : { tls, mtls }),
    ...defined,
  } as TrafficPolicy;
}

function merge(under: Traffic, policy: TrafficPolicy): Traffic {
  const { settings } = under;
  const speaksOfRoutes =
    policy.timeoutMs !== undefined || policy.streamIdleTimeoutMs !== undefined || policy.retry !== undefined;
  // TLS goes over what is below it as a whole, whichever of the two says it.
  const mtls = policy.mtls ?? (policy.tls ? undefined : under.mtls);
  const adaptive = policy.adaptiveConcurrency ?? settings.adaptiveConcurrency;
  const tls = policy.tls ?? (policy.mtls ? undefined : settings.tls);
  const tcpKeepalive = policy.tcpKeepalive ?? settings.tcpKeepalive;
  const http2 = policy.http2 ? { ...settings.http2, ...policy.http2 } : settings.http2;
  return {
    settings: {
      balancer: policy.balancer ?? settings.balancer,
      limits: { ...settings.limits, ...policy.limits },
      outlier: { ...settings.outlier, ...policy.outlier },
      retryBudget: policy.retryBudget ?? settings.retryBudget,
      connectTimeoutMs: policy.connectTimeoutMs ?? settings.connectTimeoutMs,
      idleTimeoutMs: policy.idleTimeoutMs ?? settings.idleTimeoutMs,
      ...(tcpKeepalive && { tcpKeepalive }),
      ...(adaptive && { adaptiveConcurrency: adaptive }),
      ...(http2 && { http2 }),
      ...(tls && { tls }),
    },
    timeoutMs: policy.timeoutMs ?? under.timeoutMs,
    streamIdleTimeoutMs: policy.streamIdleTimeoutMs ?? under.streamIdleTimeoutMs,
    retry: { ...under.retry, ...policy.retry },
    ...(mtls === undefined ? {} : { mtls }),
    ...(speaksOfRoutes ? { routeFrom: policy.from } : under.routeFrom && { routeFrom: under.routeFrom }),
  };
}
