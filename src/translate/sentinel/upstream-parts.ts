import type { Protocol, TrafficPolicy } from '../../model/index.ts';
import { given } from '../given.ts';
import type { Part } from '../part.ts';
import type { SentinelConfiguration, UpstreamConfig } from './configuration.ts';
import type { PartPlace } from './gateway-parts.ts';
import { BUILTIN_NAME, upstreamHost } from './objects.ts';

/** A Service for each upstream, whose endpoints come from SentinelEndpoints, and how traffic to it is carried. */
export function upstreamParts({ upstreams }: SentinelConfiguration, place: PartPlace): readonly Part[] {
  const { from } = place;
  return [
    service(BUILTIN_NAME, 'http', place),
    ...upstreams.flatMap((upstream): readonly Part[] => [
      service(upstream.id, upstream.http2Only ? 'http2' : 'http', place),
      { kind: 'policy', of: 'trafficPolicies', policy: { ...trafficOf(upstream), from }, createdAt: '' },
    ]),
  ];
}

function service(name: string, protocol: Protocol, { namespace, from }: PartPlace): Part {
  return {
    kind: 'service',
    publishNotReady: false,
    service: {
      namespace,
      name,
      host: upstreamHost(name),
      addresses: [],
      headless: true,
      ports: [{ number: 80, name: '', protocol }],
      from,
    },
  };
}

function trafficOf(upstream: UpstreamConfig): Omit<TrafficPolicy, 'from'> {
  const { id, balancer, idleTimeoutMs, connectTimeoutMs, circuitBreaker, http2 } = upstream;
  const { failures, openMs, trial } = circuitBreaker;
  return {
    host: upstreamHost(id),
    balancer,
    idleTimeoutMs,
    connectTimeoutMs,
    http2,
    outlier: {
      enabled: true,
      consecutive5xx: failures,
      consecutiveGatewayErrors: failures,
      consecutiveConnectFailures: failures,
      // Looked at often enough that a target is back when its time is over.
      intervalMs: Math.max(100, Math.min(1_000, openMs / 10)),
      baseEjectionTimeMs: openMs,
      maxEjectionPercent: 100,
      trial,
    },
    limits: given({
      maxConnections: upstream.maxConnections,
      maxPendingRequests: upstream.maxPending,
      maxIdlePerEndpoint: upstream.maxIdle,
      maxConnectionAgeMs: upstream.maxConnectionAgeMs,
    }),
    ...given({ tls: upstream.tls }),
  };
}
