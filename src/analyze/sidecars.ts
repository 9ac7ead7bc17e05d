// Sidecars of Istio's that are for the same pods: one of them counts, by age, and the others look as if they did.
import { type EgressScope, equal, formatRef, matchesLabels } from '../model/index.ts';
import type { AnalysisContext } from './context.ts';
import { type Finding, finding } from './finding.ts';

/**
 * Findings about Sidecars that overlap. One with a selector goes before one without, so that these two do not; of two that are
 * for exactly the same, translation speaks.
 */
export function sidecarFindings({ mesh, workloads }: AnalysisContext): readonly Finding[] {
  return [...mesh.egressScopes.values()].flatMap(scopes =>
    scopes.flatMap((scope, index) => {
      const rivals = scopes.slice(0, index).filter(each => formatRef(each.from) !== formatRef(scope.from));
      for (const rival of rivals) {
        const shared = sharedOf(scope, rival);
        if (shared !== undefined) {
          const reason = `it is for ${shared}, and so is ${formatRef(rival.from)}: only one of them counts`;
          return [finding('sidecars-overlap', { object: scope.from, reason })];
        }
      }
      return [];
    }),
  );

  function sharedOf(one: EgressScope, two: EgressScope): string | undefined {
    if (one.namespace !== two.namespace) return undefined;
    if (!one.selector || !two.selector || equal(one.selector, two.selector)) return undefined;
    const [left, right] = [one.selector, two.selector];
    const pod = workloads.find(
      ({ namespace, labels }) =>
        namespace === one.namespace &&
        matchesLabels({ matchLabels: left }, labels) &&
        matchesLabels({ matchLabels: right }, labels),
    );
    return pod && `pods of ${pod.owner.kind} ${pod.owner.name}`;
  }
}
