import type { PageEdge, PageMesh, PageWorkload } from '../contract.ts';
import { edge, service, shopView, workload } from './shop-view.ts';

/** Always the same numbers (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** So many workloads in namespaces of 25, each called by one before it, some by more. */
export function largeView(many: number): { readonly mesh: PageMesh; readonly edges: readonly PageEdge[] } {
  const next = numbers(7);
  const workloads: PageWorkload[] = [];
  const edges: PageEdge[] = [];
  for (let at = 0; at < many; at++) {
    const made = workload({
      name: `service-${at % 25}`,
      namespace: `team-${Math.floor(at / 25)}`,
      replicas: 1,
    });
    workloads.push(made);
    for (let calls = 0; at > 0 && calls < 1 + Math.floor(next() * 2); calls++) {
      const near = next() < 0.85;
      const first = Math.floor(at / 25) * 25;
      const caller = near && at > first ? first + Math.floor(next() * (at - first)) : Math.floor(next() * at);
      const rps = next() * 100;
      edges.push(edge(workloads[caller]!.key, made.key, { rps, errors: next() < 0.05 ? rps * next() : 0 }));
    }
  }
  const namespaces = [...Map.groupBy(workloads, each => each.namespace)].map(([name, all]) => ({
    name,
    workloads: all.length,
    pods: all.length,
    meshedPods: all.length,
  }));
  return {
    mesh: { ...shopView(), namespaces, workloads, services: workloads.map(each => service(each)) },
    edges,
  };
}
