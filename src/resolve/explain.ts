import type { DestinationResource, Mesh, TrafficPolicy } from '../model/index.ts';
import type { Caller } from './caller.ts';
import { meaningOf, resolveDestination } from './destination.ts';
import { egressScopeOf } from './egress.ts';
import { MeshReader } from './mesh-reader.ts';
import { type CallerRule, callerRules, type LeftOut } from './rules.ts';
import { type TrafficScope, winners } from './traffic.ts';

/** A destination, and where its routes come from. */
export interface ExplainedDestination {
  readonly resource: DestinationResource;
  /** By the number of a route: the rule that it was made of; undefined for the last one where no rule was written for it. */
  readonly rules: readonly (CallerRule | undefined)[];
  /** Rules that are not for this caller. */
  readonly leftOut: readonly LeftOut[];
}

/** What resolveDestination gives a proxy, with the rules behind it, which proxies are not told; for people who ask why. */
export function explainDestination(mesh: Mesh, caller: Caller, key: string): ExplainedDestination {
  const { resource } = resolveDestination(mesh, caller, key);
  const reader = new MeshReader(mesh);
  const meaning = meaningOf({ reader, caller, scope: egressScopeOf(reader, caller) }, key);
  if (!meaning) return { resource, rules: [], leftOut: [] };
  const { rules, leftOut } = callerRules(meaning.tables.http, caller, meaning.routed.port);
  // routesOf makes a route of each rule, in order, up to the first that takes everything.
  return { resource, rules: resource.routes.map((_, index) => rules[index]), leftOut };
}

/**
 * The policies that decide about traffic to a host, port and subset, one of each kind of object, each over those before it; for
 * people who ask why.
 */
export function explainTraffic(mesh: Mesh, caller: Caller, scope: TrafficScope): readonly TrafficPolicy[] {
  return winners(new MeshReader(mesh), caller, scope);
}
