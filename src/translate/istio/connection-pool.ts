import type { ConnectionLimits, TrafficPolicy } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { given } from '../given.ts';

/** What a connectionPool says. */
export type PoolPart = Pick<TrafficPolicy, 'limits' | 'connectTimeoutMs' | 'idleTimeoutMs'>;

/** Zero limits mean no limit of their own in Istio (proto3 has no absent numbers), so the defaults stay. */
export function readConnectionPool(pool: Fields): PoolPart {
  const tcp = pool.object('tcp');
  const http = pool.object('http');
  const limits: Partial<ConnectionLimits> = given({
    maxConnections: tcp?.number('maxConnections') || undefined,
    maxPendingRequests: http?.number('http1MaxPendingRequests') || undefined,
    maxRequests: http?.number('http2MaxRequests') || undefined,
    maxRequestsPerConnection: http?.number('maxRequestsPerConnection') || undefined,
  });
  const part: PoolPart = given({
    limits: Object.keys(limits).length > 0 ? limits : undefined,
    connectTimeoutMs: tcp?.duration('connectTimeout', 1),
    idleTimeoutMs: idleTimeout(http) ?? idleTimeout(tcp),
  });
  if (tcp) readTcpRest(tcp);
  if (http) readHttpRest(http);
  pool.rest();
  return part;
}

/** 0 is never in Istio; a connection that nobody uses is still closed here, after the default time. */
function idleTimeout(fields: Fields | undefined): number | undefined {
  const ms = fields?.duration('idleTimeout');
  if (ms === 0)
    fields!.unsupported('idleTimeout', 'unused connections cannot be kept for ever; the default stays');
  return ms || undefined;
}

function readTcpRest(tcp: Fields): void {
  tcp.unsupported('tcpKeepalive', 'the keepalive of the proxy stays as it is');
  tcp.unsupported('maxConnectionDuration', 'not supported yet; use maxRequestsPerConnection');
  tcp.rest();
}

function readHttpRest(http: Fields): void {
  const upgrade = http.choice('h2UpgradePolicy', ['DEFAULT', 'DO_NOT_UPGRADE', 'UPGRADE']);
  if (upgrade === 'UPGRADE')
    http.unsupported('h2UpgradePolicy', 'HTTP/2 is not supported yet; requests go over HTTP/1.1');
  if (http.flag('useClientProtocol'))
    http.unsupported('useClientProtocol', 'HTTP/2 is not supported yet; requests go over HTTP/1.1');
  http.unsupported('maxConcurrentStreams', 'it is for HTTP/2, which is not supported yet');
  http.unsupported('maxRetries', 'retries are held by a budget; set retryBudget in a TrafficSettings');
  http.rest();
}
