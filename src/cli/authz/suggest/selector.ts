// Which labels choose the pods of one workload, and no others.
import type { Labels, Mesh, Workload } from '../../../model/index.ts';

/** Labels that differ from pod to pod, or with each rollout, or that a mesh sets itself. */
const passing =
  /^(?:pod-template-hash|controller-revision-hash|pod-template-generation|statefulset\.kubernetes\.io\/pod-name|apps\.kubernetes\.io\/pod-index|batch\.kubernetes\.io\/.*|job-name|controller-uid|(?:.*\.)?istio\.io\/.*|(?:.*\.)?weft\.dev\/.*|(?:.*\.)?linkerd\.io\/.*)$/;
/** Tried in this order before all of the labels. */
const usual: readonly (readonly string[])[] = [
  ['app'],
  ['app.kubernetes.io/name'],
  ['app', 'version'],
  ['app.kubernetes.io/name', 'app.kubernetes.io/instance'],
  ['app.kubernetes.io/name', 'app.kubernetes.io/component'],
];

/** Labels, and which other workloads of the namespace they choose as well: there is nothing that tells them apart. */
export interface WorkloadSelector {
  readonly labels: Labels;
  readonly others: readonly string[];
}

/** Undefined where its pods have no label in common. */
export function selectorOf(mesh: Mesh, namespace: string, owner: string): WorkloadSelector | undefined {
  const all = [...mesh.workloads.values()].filter(each => each.namespace === namespace);
  const own = all.filter(each => each.owner.name === owner);
  const common = Object.entries(own[0]?.labels ?? {}).filter(
    ([name, value]) => !passing.test(name) && own.every(({ labels }) => labels[name] === value),
  );
  if (common.length === 0) return undefined;
  const has = new Map(common);
  for (const names of [...usual.filter(each => each.every(name => has.has(name))), [...has.keys()]]) {
    const labels = Object.fromEntries(names.map(name => [name, has.get(name)!]));
    const others = othersOf(all, labels, owner);
    if (others.length === 0 || names.length === has.size) return { labels, others };
  }
  return undefined;
}

function othersOf(all: readonly Workload[], labels: Labels, owner: string): readonly string[] {
  const chosen = all.filter(each =>
    Object.entries(labels).every(([name, value]) => each.labels[name] === value),
  );
  return [...new Set(chosen.map(each => each.owner.name))].filter(name => name !== owner).sort();
}
