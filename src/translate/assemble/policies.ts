import {
  type EgressScope,
  equal,
  fact,
  hasSettings,
  type InboundRateLimit,
  type PeerPolicy,
  type RouteTable,
  type Subset,
  type TrafficPolicy,
} from '../../model/index.ts';
import type {
  EgressScopePart,
  InboundRateLimitPart,
  PeerPolicyPart,
  SubsetPart,
  TrafficPolicyPart,
} from '../part.ts';
import { GroupAssembler } from './groups.ts';
import { hiddenBy, hidesTable } from './hidden-tables.ts';

/** For Mesh.peerPolicies. */
export function peerPolicies(): GroupAssembler<PeerPolicyPart, PeerPolicy> {
  return new GroupAssembler({
    group: ({ policy }) => policy.namespace ?? '',
    fact: fact.peerPolicies,
    value: ({ policy }) => policy,
    from: ({ policy }) => policy.from,
    createdAt: ({ createdAt }) => createdAt,
    rank: () => 0,
    sameScope: (left, right) => equal(left.policy.selector, right.policy.selector),
  });
}

/** For Mesh.trafficPolicies. */
export function trafficPolicies(): GroupAssembler<TrafficPolicyPart, TrafficPolicy> {
  return new GroupAssembler({
    group: ({ policy }) => policy.host,
    fact: fact.trafficPolicies,
    value: ({ policy }) => policy,
    from: ({ policy }) => policy.from,
    createdAt: ({ createdAt }) => createdAt,
    rank: ({ rank }) => rank,
    // One that says nothing only marks that its object is there, and keeps nobody from speaking.
    sameScope: (left, right) =>
      hasSettings(left.policy) && hasSettings(right.policy) && equal(scopeOf(left), scopeOf(right)),
  });
}

function scopeOf({ policy }: TrafficPolicyPart): unknown {
  const { from, meshWide, callerNamespace, callerSelector, serviceNamespace, visibleTo } = policy;
  const { port, subset } = policy;
  return [from.kind, meshWide, callerNamespace, callerSelector, serviceNamespace, visibleTo, port, subset];
}

/** For Mesh.routeTables; see RouteTableAssembler for what tables borrow from others. */
export function routeTables(): GroupAssembler<RouteTable, RouteTable> {
  return new GroupAssembler({
    group: ({ host }) => host,
    fact: fact.routeTables,
    value: table => table,
    from: ({ from }) => from,
    createdAt: ({ createdAt }) => createdAt,
    rank: ({ rank }) => -rank,
    // Only what no caller will ever meet; for the rest, outcomes of resolve/ say who wins.
    sameScope: hidesTable,
    outcome: hiddenBy,
  });
}

/** For Mesh.subsets. */
export function subsets(): GroupAssembler<SubsetPart, Subset> {
  return new GroupAssembler({
    group: ({ subset }) => subset.host,
    fact: fact.subsets,
    value: ({ subset }) => subset,
    from: ({ subset }) => subset.from,
    createdAt: ({ createdAt }) => createdAt,
    rank: () => 0,
    sameScope: ({ subset: left }, { subset: right }) =>
      left.name === right.name &&
      left.callerNamespace === right.callerNamespace &&
      left.meshWide === right.meshWide &&
      equal(left.visibleTo, right.visibleTo),
  });
}

/** For Mesh.egressScopes. */
export function egressScopes(): GroupAssembler<EgressScopePart, EgressScope> {
  return new GroupAssembler({
    group: ({ scope }) => scope.namespace,
    fact: fact.egressScopes,
    value: ({ scope }) => scope,
    from: ({ scope }) => scope.from,
    createdAt: ({ createdAt }) => createdAt,
    rank: () => 0,
    sameScope: (left, right) => equal(left.scope.selector, right.scope.selector),
  });
}

/** For Mesh.inboundRateLimits. */
export function inboundRateLimits(): GroupAssembler<InboundRateLimitPart, InboundRateLimit> {
  return new GroupAssembler({
    group: ({ limit }) => limit.namespace,
    fact: fact.inboundRateLimits,
    value: ({ limit }) => limit,
    from: ({ limit }) => limit.from,
    createdAt: ({ createdAt }) => createdAt,
    rank: () => 0,
    sameScope: () => false,
  });
}
