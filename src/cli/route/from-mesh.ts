// Routes and endpoints out of a mesh, by way of what proxies would be told.
import type { ObjectMesh } from '../../analyze/index.ts';
import type {
  ClusterEndpoint,
  EndpointsResource,
  Mesh,
  MtlsMode,
  ObjectRef,
  RateLimit,
} from '../../model/index.ts';
import { explainDestination, resolveEndpoints, resolveInbound } from '../../resolve/index.ts';
import type { EndpointFacts, RoutingFacts } from './answer.ts';
import type { FoundCaller } from './caller.ts';
import { OriginIndex } from './origin-index.ts';

/** What the mesh says about the caller's requests to `key`. */
export function factsFromMesh(
  { mesh, objects }: ObjectMesh,
  { caller, shown }: FoundCaller,
  key: string,
): RoutingFacts {
  const { resource, rules, leftOut } = explainDestination(mesh, caller, key);
  const origins = new OriginIndex(objects.map(each => each.ref));
  return {
    caller: shown,
    destination: resource,
    origin(index) {
      const rule = rules[index];
      if (!rule) return { ...withObject(origins.of(resource.routes[index]?.from)) };
      const only = rule.only.length === 0 ? '' : ` (match ${rule.only.join(', ')})`;
      return { object: rule.rule.from ?? rule.table.from, path: `${rule.rule.path}${only}` };
    },
    leftOut: leftOut.map(({ table, rule, why }) => ({
      object: rule.from ?? table.from,
      path: rule.path,
      why,
    })),
    endpoints: cluster => endpointsOf(mesh, resolveEndpoints(mesh, caller, cluster).resource, origins),
  };
}

function withObject(object: ObjectRef | undefined): { readonly object?: ObjectRef } {
  return object ? { object } : {};
}

function endpointsOf(
  mesh: Mesh,
  { endpoints, total, why }: EndpointsResource,
  origins: OriginIndex,
): EndpointFacts {
  const sides = endpoints.flatMap(each => inboundOf(mesh, each) ?? []);
  const [first] = sides;
  const limits = sides.flatMap(each => each.rateLimits);
  return {
    ready: endpoints.length,
    total,
    ...(why !== undefined && { why }),
    mutualTls: endpoints.filter(each => each.tls === 'mesh').length,
    ...(first && { accepts: { mode: first.mode, ...withFrom(origins.of(first.from)) } }),
    rateLimits: limits.filter((each, index) => limits.findIndex(other => sameLimit(each, other)) === index),
    workloads: [...new Set(endpoints.map(each => each.peer.workload))].filter(each => each !== ''),
  };
}

function withFrom(from: ObjectRef | undefined): { readonly from?: ObjectRef } {
  return from ? { from } : {};
}

function sameLimit(left: RateLimit, right: RateLimit): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}

/** What the endpoint's own proxy does with what comes in. */
function inboundOf(
  mesh: Mesh,
  { peer, port, tls }: ClusterEndpoint,
):
  | {
      readonly mode: MtlsMode;
      readonly from: ObjectRef | undefined;
      readonly rateLimits: readonly RateLimit[];
    }
  | undefined {
  // Without a proxy nobody asks for anything.
  if (peer.pod === '' || !mesh.workloads.get(`${peer.namespace}/${peer.pod}`)?.meshed) return undefined;
  const inbound = resolveInbound(mesh, `${peer.namespace}/${peer.pod}`).resource!;
  const own = inbound.ports.find(each => each.number === port);
  if (own) return { mode: own.mtls, from: own.from, rateLimits: own.rateLimits ?? [] };
  const mode = tls === 'mesh' ? inbound.defaultMtls : 'disable';
  return { mode, from: inbound.defaultFrom, rateLimits: inbound.defaultRateLimits ?? [] };
}
