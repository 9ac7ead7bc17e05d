// cluster: running clusters. A cluster holds endpoints, picks one per request (balancer), keeps connections to each (pool), takes
// failing ones out for a while (outlier detection) and bounds what is open (occupancy) and repeated (retry budget).
// In: ClusterConfig and EndpointsResource. Out: streams that carry one request each.
export { AdaptiveLimit } from './adaptive-limit.ts';
export { type Balancer, createBalancer, type Random } from './balancer.ts';
export { type Carriage, carriageOf } from './carriage.ts';
export type { UpstreamDialer } from './dials.ts';
export { type Ejection, Ejections, type EjectionsOwner } from './ejections.ts';
export { RunningEndpoint } from './endpoint.ts';
export { EndpointGroup } from './endpoint-group.ts';
export { HashKey, setCookieValue } from './hash-key.ts';
export { LatencyAverage } from './latency.ts';
export { Occupancy } from './occupancy.ts';
export {
  type EjectionReason,
  EndpointHealth,
  type Health,
  type Outcome,
  OutlierDetector,
} from './outlier.ts';
export { Pool } from './pool.ts';
export { RetryBudget } from './retry-budget.ts';
export { type ClusterHost, RunningCluster } from './running-cluster.ts';
export { BYTES, SessionPool, type SessionWaiter } from './session-pool.ts';
export { SessionSizes } from './session-sizes.ts';
export { opaqueToken, sessionToken } from './session-token.ts';
export type { StreamWaiter } from './waiting-line.ts';
