// A circuit-breaker that stands in a route is one of its upstream: targets fail whoever asks them.
import type { KdlReport, Section } from '../../kdl/index.ts';
import type { UpstreamConfig } from './configuration.ts';
import type { Names, Scoped } from './scopes.ts';
import { breakerOf } from './upstream-limits.ts';

/** Upstreams with what routes say of them, by the block that says it: the same objects as long as both are. */
const known = new WeakMap<Section, { readonly of: UpstreamConfig; readonly upstream: UpstreamConfig }>();

/** Puts what routes say into `upstreams`, which `names` finds them in. What an upstream says itself goes before it. */
export function applyRouteBreakers(
  routes: readonly Scoped[],
  upstreams: Map<string, UpstreamConfig>,
  names: Names<UpstreamConfig>,
  report: KdlReport,
): void {
  for (const { id, scope, section } of routes) {
    const breaker = section.has('circuit-breaker') ? section.section('circuit-breaker') : undefined;
    const found = breaker && names.find(section.text('upstream') ?? '', scope);
    if (breaker === undefined || found === undefined) continue;
    const { thing } = found;
    if (thing.circuitBreaker.isDefault === true) {
      const before = known.get(breaker);
      const upstream =
        before?.of === thing ? before.upstream : { ...thing, circuitBreaker: breakerOf(breaker) };
      known.set(breaker, { of: thing, upstream });
      upstreams.set(found.id, upstream);
    }
    const what =
      thing.circuitBreaker.isDefault === true
        ? 'and so for all of its routes'
        : 'which has one already; this one has no effect';
    report.warn(
      'kdl-approximated',
      breaker.at,
      `circuit-breaker of route "${id}" holds for its upstream "${found.id}", ${what}; say it there`,
    );
  }
}
