import type { KubeObject, Pod } from '../kube/index.ts';

/** What a controller wants done; the loop does it. Pods to create are not admitted yet. */
export interface Plan {
  readonly put?: readonly KubeObject[];
  readonly remove?: readonly KubeObject[];
  readonly createPods?: readonly Pod[];
  readonly deletePods?: readonly Pod[];
  /** Look again after this many milliseconds even if nothing changes. */
  readonly againInMs?: number;
}

/** What a controller may use beside the objects: the time, and names and ids that never come twice. */
export interface Context {
  readonly nowMs: number;
  /** `x7k2p`: five letters as Kubernetes appends them to names. */
  readonly suffix: () => string;
  readonly uid: () => string;
}

/** All plans as one. */
export function joinPlans(plans: readonly Plan[]): Plan {
  const waits = plans.flatMap(plan => (plan.againInMs === undefined ? [] : [plan.againInMs]));
  return {
    put: plans.flatMap(plan => plan.put ?? []),
    remove: plans.flatMap(plan => plan.remove ?? []),
    createPods: plans.flatMap(plan => plan.createPods ?? []),
    deletePods: plans.flatMap(plan => plan.deletePods ?? []),
    ...(waits.length > 0 ? { againInMs: Math.min(...waits) } : {}),
  };
}
