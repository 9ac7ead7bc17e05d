// What the admin pages show: plain data made from what runs.
import type { RunningCluster, RunningEndpoint } from '../cluster/index.ts';
import { readCertificates } from '../identity/index.ts';
import type { RecordedState } from '../model/index.ts';
import type { DataPlane, UnderWay } from '../proxy/index.ts';

/** `/clusters`: endpoint health, ejections, load. `nowMs`: monotonic. */
export function clusterView(cluster: RunningCluster, nowMs: number): object {
  const { config, occupancy, budget } = cluster;
  return {
    name: config.name,
    service: config.service.host,
    balancer: config.settings.balancer.kind,
    endpoints: [
      ...[...cluster.endpoints].map(each => endpointView(each, nowMs)),
      ...cluster.leaving.map(each => endpointView(each, nowMs)),
    ],
    endpointsInAll: cluster.total,
    ...(cluster.why !== '' && { why: cluster.why }),
    connections: occupancy.connections,
    pendingRequests: occupancy.waiting,
    activeRequests: occupancy.requests,
    overflows: occupancy.overflows,
    connectFailures: occupancy.connectFailures,
    retries: cluster.retries,
    retriesRefusedByBudget: budget.exhausted,
    recentEjections: cluster.ejections.recent,
    settings: config.settings,
  };
}

/** `health`: `healthy`, `draining` (taken away, and finishes what it has), or how it was ejected and for how long still. */
function endpointView(endpoint: RunningEndpoint, nowMs: number): object {
  const { key, config, health, active, latency, pool, sessions, weight, warmth, removed } = endpoint;
  const { peer, tls, zone, locality } = config;
  return {
    address: key,
    pod: peer.pod,
    namespace: peer.namespace,
    workload: peer.workload,
    version: peer.version,
    tls,
    principal: peer.principal,
    ...(zone !== undefined && { zone }),
    ...(locality !== undefined && { locality }),
    health: removed ? 'draining' : healthView(health.health, nowMs),
    ejections: health.multiplier,
    weight,
    ...(warmth < 1 && { warmth }),
    activeRequests: active,
    latencyMs: Math.round(latency.averageMs * 1000) / 1000,
    connections: pool.figures,
    ...(sessions !== undefined && { sessionCarriers: sessions.figures }),
  };
}

function healthView(health: RunningEndpoint['health']['health'], nowMs: number): unknown {
  if (health.state !== 'ejected') return health.state;
  return { ...health, leftMs: Math.max(0, Math.round(health.untilMs - nowMs)) };
}

/** `/config_dump`: the resources in use, as discovery sent them. */
export function configView(plane: DataPlane): object {
  return {
    self: plane.services.self,
    inbound: plane.inboundPorts.resource ?? null,
    destinations: plane.destinations.running.map(destination => destination.resource),
  };
}

/** What of `/status` explains a failure. */
export function stateView(status: object): RecordedState {
  const { discovery, connected, reason, certificate, draining } = status as {
    readonly discovery?: string;
    readonly connected?: boolean;
    readonly reason?: string;
    readonly certificate?: { readonly expiresInMs?: number; readonly lastError?: string };
    readonly draining?: boolean;
  };
  const { expiresInMs, lastError } = certificate ?? {};
  return {
    discovery: discovery ?? '',
    connected: connected ?? true,
    reason: reason ?? '',
    draining: draining ?? false,
    ...(expiresInMs !== undefined && { certificateExpiresInMs: expiresInMs }),
    ...(lastError !== undefined && { certificateError: lastError }),
  };
}

/** `/connections`; `underWay` on all cores. */
export function connectionView(plane: DataPlane, underWay: UnderWay): object {
  const { inbound, outbound, exchanges, tunnels } = underWay;
  return { inbound, outbound, activeExchanges: exchanges, tunnels, draining: plane.services.draining };
}

/** A port that a proxy listens on beside those of traffic. */
export interface OwnPort {
  readonly name: string;
  readonly hosts: readonly string[];
  readonly port: number;
}

/** `/listeners`: ports of traffic, with whose word counts on them, and the proxy's own. */
export function listenerView(plane: DataPlane, own: readonly OwnPort[]): object[] {
  const traffic = plane.listening.map(({ name, hosts, port, trust, open }) => ({
    ...{ name, hosts, port, trust, openConnections: open },
  }));
  return [...traffic, ...own];
}

/** `/certificates`: what peers get to see, and whom this proxy trusts. The private key is not among what is read here. */
export function certificateView(plane: DataPlane): object {
  const { certificates, principal } = plane.services.tls;
  if (certificates === undefined) return { principal: '', chain: [], roots: [] };
  return {
    principal,
    chain: certificatesOf(certificates.chainPem),
    roots: certificates.roots.flatMap(certificatesOf),
  };
}

function certificatesOf(pem: string): object[] {
  const certificates = readCertificates(pem, 'a certificate in use');
  if (!Array.isArray(certificates)) throw certificates;
  return certificates.map(each => ({
    subject: oneLine(each.subject),
    issuer: oneLine(each.issuer),
    names: each.subjectAltName ?? '',
    serial: each.serialNumber,
    notBefore: each.validFromDate.toISOString(),
    notAfter: each.validToDate.toISOString(),
    authority: each.ca,
    sha256: each.fingerprint256,
    pem: each.toString(),
  }));
}

/** Names of several parts stand in lines. */
function oneLine(name: string | undefined): string {
  return (name ?? '').split('\n').join(', ');
}
