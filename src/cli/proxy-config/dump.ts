// What a proxy's admin endpoint tells of itself (src/admin/views.ts), as it comes over the wire.
import type { DestinationResource, InboundResource, Peer, TrafficSettings } from '../../model/index.ts';
import type { AdminEndpoint } from '../proxies/index.ts';

/** An endpoint of a running cluster. */
export interface EndpointDump {
  readonly address: string;
  readonly pod: string;
  readonly namespace?: string;
  readonly workload: string;
  readonly version: string;
  readonly tls: string;
  readonly principal: string;
  readonly health:
    | 'healthy'
    | 'half-open'
    | 'draining'
    | { readonly state: string; readonly reason: string; readonly leftMs?: number };
  readonly ejections: number;
  readonly weight?: number;
  /** 0 to 1, in slow start. */
  readonly warmth?: number;
  readonly activeRequests: number;
  readonly latencyMs: number;
  readonly connections: { readonly open: number; readonly free: number; readonly waiting: number };
}

/** Of `/clusters` and `/inbound`. */
export interface ClusterDump {
  readonly name: string;
  readonly service: string;
  readonly balancer: string;
  readonly endpoints: readonly EndpointDump[];
  readonly endpointsInAll: number;
  readonly why?: string;
  readonly connections: number;
  readonly pendingRequests: number;
  readonly activeRequests: number;
  readonly overflows: number;
  readonly connectFailures: number;
  readonly retries: number;
  readonly settings: TrafficSettings;
  /** Of proxies on several cores; undefined for the first. */
  readonly core?: number;
}

/** Of `/listeners`. */
export interface ListenerDump {
  readonly name: string;
  readonly hosts: readonly string[];
  readonly port: number;
  readonly openConnections?: number;
}

/** Of `/certificates`. */
export interface CertificateDump {
  readonly subject: string;
  readonly issuer: string;
  readonly names: string;
  readonly serial: string;
  readonly notBefore: string;
  readonly notAfter: string;
  readonly authority: boolean;
  readonly sha256: string;
  readonly pem: string;
}

/** `/certificates` */
export interface SecretDump {
  /** '' while there is none. */
  readonly principal: string;
  /** The leaf first. */
  readonly chain: readonly CertificateDump[];
  readonly roots: readonly CertificateDump[];
}

/** `/config_dump` */
export interface ConfigDump {
  readonly self: Peer;
  readonly inbound: InboundResource | null;
  readonly destinations: readonly DestinationResource[];
}

/** `/logging` */
export interface LoggingDump {
  readonly level: string;
  readonly accessLog: string;
  readonly back?: { readonly level: string; readonly accessLog: string; readonly inSeconds: number };
}

/** What has what: a cluster, and which way its requests go. */
export type DirectedCluster = ClusterDump & { readonly direction: 'outbound' | 'inbound' };

/** The configuration. */
export function readConfig(admin: AdminEndpoint): Promise<ConfigDump> {
  return admin.read('/config_dump') as Promise<ConfigDump>;
}

/** Clusters of both directions. */
export async function readClusters(admin: AdminEndpoint): Promise<readonly DirectedCluster[]> {
  const outbound = (await admin.read('/clusters')) as readonly ClusterDump[];
  const inbound = (await admin.read('/inbound')) as readonly ClusterDump[];
  return [
    ...outbound.map(each => ({ ...each, direction: 'outbound' as const })),
    ...inbound.map(each => ({ ...each, direction: 'inbound' as const })),
  ];
}

/** Listeners. */
export function readListeners(admin: AdminEndpoint): Promise<readonly ListenerDump[]> {
  return admin.read('/listeners') as Promise<readonly ListenerDump[]>;
}

/** Certificates. */
export function readSecret(admin: AdminEndpoint): Promise<SecretDump> {
  return admin.read('/certificates') as Promise<SecretDump>;
}

/** Levels of the log. */
export function readLogging(admin: AdminEndpoint): Promise<LoggingDump> {
  return admin.read('/logging') as Promise<LoggingDump>;
}
