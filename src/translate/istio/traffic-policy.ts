import type {
  BalancerSettings,
  ConnectionLimits,
  OutlierSettings,
  TrafficPolicy,
} from '../../model/index.ts';
import type { Fields } from '../fields.ts';

/** What a `trafficPolicy` of a DestinationRule says; the rest of a TrafficPolicy is for the caller. */
export type TrafficPart = Pick<
  TrafficPolicy,
  'balancer' | 'limits' | 'outlier' | 'connectTimeoutMs' | 'idleTimeoutMs' | 'mtls'
>;

type Draft<T> = { -readonly [field in keyof T]: T[field] };

/** Reads connectionPool, outlierDetection, loadBalancer and tls of a trafficPolicy or of one of its portLevelSettings. */
export function readTrafficPolicy(policy: Fields): TrafficPart {
  const part: Draft<TrafficPart> = {};
  const pool = policy.object('connectionPool');
  if (pool) readPool(pool, part);
  const detection = policy.object('outlierDetection');
  if (detection) part.outlier = readOutlier(detection);
  const balancer = policy.object('loadBalancer');
  if (balancer) readBalancer(balancer, part);
  const tls = policy.object('tls');
  if (tls) readTls(tls, part);
  return part;
}

/** Zero limits mean no limit of their own in Istio (proto3 has no absent numbers), so the defaults stay. */
function readPool(pool: Fields, part: Draft<TrafficPart>): void {
  const limits: Draft<Partial<ConnectionLimits>> = {};
  const tcp = pool.object('tcp');
  const http = pool.object('http');
  const put = (name: keyof ConnectionLimits, value: number | undefined): void => {
    if (value) limits[name] = value;
  };
  put('maxConnections', tcp?.number('maxConnections'));
  const connectTimeoutMs = tcp?.duration('connectTimeout', 1);
  if (connectTimeoutMs !== undefined) part.connectTimeoutMs = connectTimeoutMs;
  put('maxPendingRequests', http?.number('http1MaxPendingRequests'));
  put('maxRequests', http?.number('http2MaxRequests'));
  put('maxRequestsPerConnection', http?.number('maxRequestsPerConnection'));
  const idleTimeoutMs = http?.duration('idleTimeout', 1);
  if (idleTimeoutMs !== undefined) part.idleTimeoutMs = idleTimeoutMs;
  for (const fields of [tcp, http, pool]) fields?.rest();
  if (Object.keys(limits).length > 0) part.limits = limits;
}

/**
 * The block says which rules hold: what it leaves out is off, but for five 5xx in a row (Envoy's default, which Istio leaves
 * in place). Percentages it leaves out stay at Weft's own defaults.
 */
function readOutlier(detection: Fields): Partial<OutlierSettings> {
  const outlier: Draft<Partial<OutlierSettings>> = { enabled: true };
  const deprecated = detection.number('consecutiveErrors');
  const gateway = detection.number('consecutiveGatewayErrors');
  outlier.consecutive5xx = detection.number('consecutive5xxErrors') ?? (deprecated ? 0 : 5);
  outlier.consecutiveGatewayErrors = gateway ?? deprecated ?? 0;
  outlier.consecutiveConnectFailures = detection.number('consecutiveLocalOriginFailures') ?? 0;
  const put = <K extends keyof OutlierSettings>(name: K, value: OutlierSettings[K] | undefined): void => {
    if (value !== undefined) outlier[name] = value;
  };
  put('intervalMs', detection.duration('interval', 1));
  put('baseEjectionTimeMs', detection.duration('baseEjectionTime', 1));
  put('maxEjectionPercent', detection.number('maxEjectionPercent', { max: 100 }) || undefined);
  put('panicThresholdPercent', detection.number('minHealthPercent', { max: 100 }));
  // Connect failures always have a count of their own here; told or not, they also count as 5xx.
  if (detection.flag('splitExternalLocalOriginErrors')) {
    detection.unsupported('splitExternalLocalOriginErrors', 'connect failures still count as 5xx too');
  }
  detection.rest();
  return outlier;
}

const balancers: Readonly<Record<string, BalancerSettings['kind'] | undefined>> = {
  UNSPECIFIED: undefined,
  LEAST_CONN: 'least-request',
  LEAST_REQUEST: 'least-request',
  RANDOM: 'random',
  ROUND_ROBIN: 'round-robin',
  PASSTHROUGH: undefined,
};

function readBalancer(balancer: Fields, part: Draft<TrafficPart>): void {
  const simple = balancer.choice('simple', Object.keys(balancers));
  const kind = simple === undefined ? undefined : balancers[simple];
  if (kind) part.balancer = { kind };
  if (simple === 'PASSTHROUGH') {
    balancer.unsupported('simple', 'PASSTHROUGH is not supported yet; the default balancer is used');
  }
  balancer.unsupported('consistentHash', 'not supported yet; the default balancer is used');
  balancer.rest();
}

function readTls(tls: Fields, part: Draft<TrafficPart>): void {
  const mode = tls.choice('mode', ['DISABLE', 'SIMPLE', 'MUTUAL', 'ISTIO_MUTUAL']);
  if (mode === 'DISABLE') part.mtls = 'disable';
  else if (mode === 'ISTIO_MUTUAL') part.mtls = 'mesh';
  else if (mode)
    tls.unsupported('mode', `${mode} is not supported yet; connections are as without this policy`);
  tls.rest();
}
