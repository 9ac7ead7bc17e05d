import type { ConnectionLimits, OutlierSettings, TrafficPolicy } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { given } from '../given.ts';

/** What upstreamConfig says of connections: to all upstreams, or to one. Its name is for the caller to read. */
export function readUpstream(upstream: Fields): Partial<TrafficPolicy> {
  const limits = upstream.object('limits');
  const health = upstream.object('passiveHealthCheck');
  upstream.text('protocol');
  for (const name of ['envoyListenerJSON', 'envoyClusterJSON'])
    upstream.unsupported(name, 'there is no Envoy to configure');
  upstream.unsupported('meshGateway', 'Weft knows one cluster and no mesh gateways');
  upstream.unsupported('balanceOutboundConnections', 'one process takes all connections of a pod');
  return given({
    connectTimeoutMs: upstream.number('connectTimeoutMs') || undefined,
    limits: limits && readLimits(limits),
    outlier: health && readHealthCheck(health),
  });
}

function readLimits(limits: Fields): Partial<ConnectionLimits> {
  const read = given({
    maxConnections: limits.number('maxConnections', { min: 1 }),
    maxPendingRequests: limits.number('maxPendingRequests', { min: 1 }),
    maxRequests: limits.number('maxConcurrentRequests', { min: 1 }),
  });
  limits.rest();
  return read;
}

/** Envoy's outlier detection by 5xx in a row, five where there is no number. */
function readHealthCheck(health: Fields): Partial<OutlierSettings> {
  const enforced = health.number('enforcingConsecutive5xx', { max: 100 }) ?? 100;
  if (enforced > 0 && enforced < 100)
    health.unsupported('enforcingConsecutive5xx', 'ejections are enforced always or, with 0, never');
  const failures = health.number('maxFailures') || 5;
  const read: Partial<OutlierSettings> = {
    enabled: true,
    consecutive5xx: enforced === 0 ? 0 : failures,
    consecutiveGatewayErrors: 0,
    consecutiveConnectFailures: 0,
    ...given({
      intervalMs: health.duration('interval') || undefined,
      baseEjectionTimeMs: health.duration('baseEjectionTime') || undefined,
      maxEjectionPercent: health.number('maxEjectionPercent', { max: 100 }),
    }),
  };
  health.rest();
  return read;
}
