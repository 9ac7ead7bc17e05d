import {
  isOwnedBy,
  isPodFinished,
  isPodReady,
  isTerminating,
  type Pod,
  type ReplicaSet,
} from '../kube/index.ts';
import { makePod } from './make-pod.ts';
import type { Context, Plan } from './plan.ts';

/**
 * Makes or deletes pods until a ReplicaSet has as many as it wants (pure). A written ReplicaSet without an owner works the same.
 */
export function reconcileReplicaSet(set: ReplicaSet, pods: readonly Pod[], context: Context): Plan {
  const owned = pods.filter(pod => isOwnedBy(pod, set) && !isTerminating(pod));
  const finished = owned.filter(isPodFinished);
  const active = owned.filter(pod => !isPodFinished(pod));
  const missing = (set.spec.replicas ?? 1) - active.length;
  if (missing > 0) {
    const createPods = Array.from({ length: missing }, () => makePod(set, set.spec.template, context));
    return { createPods, deletePods: finished };
  }
  const surplus = [...active].sort(leastUsefulFirst).slice(0, -missing);
  return { deletePods: [...finished, ...(missing < 0 ? surplus : [])] };
}

/** Not ready before ready, young before old: who goes first disturbs least. */
function leastUsefulFirst(a: Pod, b: Pod): number {
  const ready = Number(isPodReady(a)) - Number(isPodReady(b));
  if (ready !== 0) return ready;
  return Date.parse(b.metadata.creationTimestamp ?? '') - Date.parse(a.metadata.creationTimestamp ?? '');
}
