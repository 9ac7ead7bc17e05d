import type {
  ConnectionLimits,
  Http2Keepalive,
  Http2Settings,
  TcpKeepalive,
  TrafficPolicy,
} from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { given } from '../given.ts';

/** Of a PING, where only its interval is said. */
const pingTimeoutMs = 20_000;

/** What a connectionPool says. */
export type PoolPart = Pick<
  TrafficPolicy,
  'limits' | 'connectTimeoutMs' | 'idleTimeoutMs' | 'tcpKeepalive' | 'http2'
>;

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
  const http2 = http && readHttp2(http);
  const part: PoolPart = given({
    limits: Object.keys(limits).length > 0 ? limits : undefined,
    connectTimeoutMs: tcp?.duration('connectTimeout', 1),
    idleTimeoutMs: idleTimeout(http) ?? idleTimeout(tcp),
    tcpKeepalive: tcp && readTcpKeepalive(tcp),
    http2: http2 && Object.keys(http2).length > 0 ? http2 : undefined,
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

/** `DEFAULT` is what the mesh's settings say. */
function readHttp2(http: Fields): Http2Settings {
  const policy = http.choice('h2UpgradePolicy', ['DEFAULT', 'DO_NOT_UPGRADE', 'UPGRADE']);
  const options = http.object('http2ProtocolOptions');
  const keepalive = options?.object('connectionKeepalive');
  const settings = given({
    upgrade: policy === undefined || policy === 'DEFAULT' ? undefined : policy === 'UPGRADE',
    useClientProtocol: http.flag('useClientProtocol') || undefined,
    maxConcurrentStreams: http.number('maxConcurrentStreams') || undefined,
    keepalive: keepalive && readKeepalive(keepalive),
  });
  options?.rest();
  return settings;
}

/** Without an interval there are no PINGs. */
function readKeepalive(keepalive: Fields): Http2Keepalive | undefined {
  const intervalMs = keepalive.duration('interval', 1);
  const timeoutMs = keepalive.duration('timeout', 1);
  keepalive.rest();
  return intervalMs === undefined ? undefined : { intervalMs, timeoutMs: timeoutMs ?? pingTimeoutMs };
}

/** The kernel's bounds: 32,767 seconds and 127 probes. An object without fields switches them on as the kernel has them. */
function readTcpKeepalive(tcp: Fields): TcpKeepalive | undefined {
  const keepalive = tcp.object('tcpKeepalive');
  if (keepalive === undefined) return undefined;
  const read = given({
    timeMs: keepalive.duration('time', 1000),
    intervalMs: keepalive.duration('interval', 1000),
    probes: keepalive.number('probes', { max: 127 }) || undefined,
  });
  keepalive.rest();
  return read;
}

function readTcpRest(tcp: Fields): void {
  tcp.unsupported('maxConnectionDuration', 'not supported yet; use maxRequestsPerConnection');
  tcp.rest();
}

function readHttpRest(http: Fields): void {
  http.unsupported('maxRetries', 'retries are held by a budget; set retryBudget in a TrafficSettings');
  http.rest();
}
