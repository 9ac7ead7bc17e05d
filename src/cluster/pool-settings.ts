// What of a cluster's configuration its connections depend on.
import type { ClusterEndpoint, TrafficSettings } from '../model/index.ts';
import type { PoolSettings } from './pool.ts';

/** What a pool takes from the settings of traffic. */
export function poolSettings({ idleTimeoutMs, limits, http2 }: TrafficSettings): PoolSettings {
  return {
    idleTimeoutMs,
    maxRequestsPerConnection: limits.maxRequestsPerConnection,
    maxConcurrentStreams: http2?.maxConcurrentStreams ?? Number.POSITIVE_INFINITY,
    keepalive: http2?.keepalive,
    maxIdle: limits.maxIdlePerEndpoint ?? Number.POSITIVE_INFINITY,
    maxAgeMs: limits.maxConnectionAgeMs ?? Number.POSITIVE_INFINITY,
  };
}

/** Whether discovery has said nothing new of an endpoint. */
export function sameEndpoint(a: ClusterEndpoint, b: ClusterEndpoint): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

/** Whether connections to `a` may be used for `b`. */
export function isSamePeer(a: ClusterEndpoint, b: ClusterEndpoint): boolean {
  const samePlace = a.tls === b.tls && a.tunnelPort === b.tunnelPort;
  return samePlace && a.peer.pod === b.peer.pod && a.peer.principal === b.peer.principal;
}
