// What of a cluster's configuration its connections depend on.
import type { ClusterEndpoint, TrafficSettings } from '../model/index.ts';
import type { PoolSettings } from './pool.ts';

/**
 * No bound, where each request looks at it: the largest number that V8 keeps without an object of its own. Infinity would be made
 * anew, 12 to 16 bytes, each time it is read.
 */
export const UNBOUNDED = 0x7fff_ffff;

/** What a pool takes from the settings of traffic. */
export function poolSettings({ idleTimeoutMs, limits, http2 }: TrafficSettings): PoolSettings {
  return {
    idleTimeoutMs,
    maxRequestsPerConnection: limits.maxRequestsPerConnection,
    maxConcurrentStreams: http2?.maxConcurrentStreams ?? Number.POSITIVE_INFINITY,
    keepalive: http2?.keepalive,
    maxIdle: limits.maxIdlePerEndpoint ?? UNBOUNDED,
    maxAgeMs: limits.maxConnectionAgeMs ?? UNBOUNDED,
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
