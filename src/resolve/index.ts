// resolve: what one workload needs about one destination, about a set of endpoints, or about its own inbound side. Pure. In: a
// Mesh, who asks, and what for. Out: a resource, and the facts it rests on, so that a change recomputes only what it touches.

export { type Caller, callerOf, callerScope, changesScopes } from './caller.ts';
export { type ClusterName, formatClusterName, parseClusterName } from './cluster-name.ts';
export { resolveDestination } from './destination.ts';
export { resolveEndpoints } from './endpoints.ts';
export { type ExplainedDestination, explainDestination, explainTraffic } from './explain.ts';
export { resolveCertificate, resolveGateway } from './gateway.ts';
export { resolveInbound } from './inbound.ts';
export { ANY_NAMESPACE, derivedFacts } from './joined-gateway.ts';
export { isPlaceLabel, placedLabels, placeOf } from './locality.ts';
export { MeshReader, type Resolved } from './mesh-reader.ts';
export { resolveName } from './name.ts';
export { peerModes } from './peer-mode.ts';
export { answersInvalid } from './routes.ts';
export type { CallerRule, LeftOut } from './rules.ts';
export { serviceRanges } from './service-ranges.ts';
