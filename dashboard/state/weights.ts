import type { PageEdge, PageTarget } from '../../src/dashboard/contract.ts';

/**
 * The share that each target got of the requests that went to any of them; undefined where there were none, or where it cannot be
 * told because two targets lead to the same pods.
 */
export function seenShares(
  targets: readonly PageTarget[],
  edges: readonly PageEdge[],
): readonly number[] | undefined {
  const places = targets.map(each => each.workloads.map(({ key, version }) => `${key}@${version ?? '*'}`));
  const all = places.flat();
  if (all.length === 0 || new Set(all).size < all.length) return undefined;
  const rates = targets.map(({ workloads }) =>
    edges
      .filter(edge =>
        workloads.some(
          ({ key, version }) => edge.to === key && (version === undefined || edge.toVersion === version),
        ),
      )
      .reduce((sum, each) => sum + each.rps, 0),
  );
  const sum = rates.reduce((total, each) => total + each, 0);
  return sum > 0 ? rates.map(each => each / sum) : undefined;
}
