import {
  type Deployment,
  type IntOrPercent,
  isOwnedBy,
  isPodReady,
  isTerminating,
  ownerReference,
  type Pod,
  type ReplicaSet,
} from '../kube/index.ts';
import { contentHash } from './names.ts';
import type { Context, Plan } from './plan.ts';

/** The label that tells the pods of a Deployment's versions apart. */
export const TEMPLATE_HASH = 'pod-template-hash';

/** How many pods of a Deployment's old and new version there should be now (pure): Kubernetes' rolling update. */
export function reconcileDeployment(
  deployment: Deployment,
  replicaSets: readonly ReplicaSet[],
  pods: readonly Pod[],
  context: Context,
): Plan {
  const owned = replicaSets.filter(set => isOwnedBy(set, deployment));
  const hash = contentHash(deployment.spec.template);
  const name = `${deployment.metadata.name}-${hash}`;
  const current = owned.find(set => set.metadata.name === name) ?? newReplicaSet(deployment, hash, context);
  const old = owned.filter(set => set.metadata.name !== name);
  const sizes = new Map<ReplicaSet, number>();
  if (deployment.spec.strategy?.type === 'Recreate') recreate(deployment, current, old, pods, sizes);
  else roll(deployment, current, old, pods, context.nowMs, sizes);
  const put = [current, ...old].flatMap(set => {
    const replicas = sizes.get(set) ?? sizeOf(set);
    return owned.includes(set) && replicas === sizeOf(set) ? [] : [withReplicas(set, replicas)];
  });
  const finished = old.filter(set => sizeOf(set) === 0 && !pods.some(pod => isOwnedBy(pod, set)));
  return {
    put: put.filter(set => !finished.some(gone => gone.metadata.uid === set.metadata.uid)),
    remove: finished,
    ...(deployment.spec.minReadySeconds ? { againInMs: 1000 } : {}),
  };
}

function newReplicaSet(deployment: Deployment, hash: string, context: Context): ReplicaSet {
  const { template } = deployment.spec;
  const labels = { ...template.metadata?.labels, [TEMPLATE_HASH]: hash };
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${deployment.metadata.name}-${hash}`,
      namespace: deployment.metadata.namespace ?? 'default',
      uid: context.uid(),
      labels,
      ownerReferences: [ownerReference(deployment)],
      creationTimestamp: new Date(context.nowMs).toISOString(),
    },
    spec: { replicas: 0, template: { ...template, metadata: { ...template.metadata, labels } } },
  };
}

function recreate(
  deployment: Deployment,
  current: ReplicaSet,
  old: readonly ReplicaSet[],
  pods: readonly Pod[],
  sizes: Map<ReplicaSet, number>,
): void {
  for (const set of old) sizes.set(set, 0);
  if (!old.some(set => pods.some(pod => isOwnedBy(pod, set)))) sizes.set(current, desiredOf(deployment));
}

/** Rolling update: never more than desired + surge pods wanted, never fewer than desired - unavailable pods available. */
function roll(
  deployment: Deployment,
  current: ReplicaSet,
  old: readonly ReplicaSet[],
  pods: readonly Pod[],
  nowMs: number,
  sizes: Map<ReplicaSet, number>,
): void {
  const desired = desiredOf(deployment);
  const { surge, unavailable } = limits(deployment, desired);
  const total = [current, ...old].reduce((sum, set) => sum + sizeOf(set), 0);
  const growBy = Math.min(desired - sizeOf(current), Math.max(0, desired + surge - total));
  const currentSize = Math.max(0, sizeOf(current) + growBy);
  sizes.set(current, currentSize);
  const minReadyMs = (deployment.spec.minReadySeconds ?? 0) * 1000;
  const available = (set: ReplicaSet): number =>
    pods.filter(pod => isOwnedBy(pod, set) && isAvailable(pod, minReadyMs, nowMs)).length;
  const oldTotal = old.reduce((sum, set) => sum + sizeOf(set), 0);
  const newUnavailable = currentSize - Math.min(available(current), currentSize);
  let spare = oldTotal + currentSize - (desired - unavailable) - newUnavailable;
  const oldestFirst = [...old].sort((a, b) => created(a) - created(b));
  // Old pods that are not available serve nobody: they go first.
  for (const set of oldestFirst) {
    const idle = Math.min(spare, sizeOf(set) - Math.min(available(set), sizeOf(set)));
    if (idle <= 0) continue;
    sizes.set(set, sizeOf(set) - idle);
    spare -= idle;
  }
  for (const set of oldestFirst) {
    const size = sizes.get(set) ?? sizeOf(set);
    const stillUnavailable = oldestFirst.reduce(
      (sum, other) => sum + Math.max(0, (sizes.get(other) ?? sizeOf(other)) - available(other)),
      0,
    );
    const goBy = Math.min(size, spare - stillUnavailable);
    if (goBy <= 0) continue;
    sizes.set(set, size - goBy);
    spare -= goBy;
  }
}

function limits(deployment: Deployment, desired: number): { surge: number; unavailable: number } {
  const given = deployment.spec.strategy?.rollingUpdate;
  const surge = resolveCount(given?.maxSurge ?? '25%', desired, Math.ceil);
  const unavailable = resolveCount(given?.maxUnavailable ?? '25%', desired, Math.floor);
  // Both zero could never move; Kubernetes then lets one pod be unavailable.
  return surge === 0 && unavailable === 0 ? { surge, unavailable: 1 } : { surge, unavailable };
}

/** A count, or a percentage of `total` rounded with `round`. */
export function resolveCount(value: IntOrPercent, total: number, round: (n: number) => number): number {
  if (typeof value === 'number') return value;
  const percent = /^(\d+)%$/.exec(value);
  return percent ? round((Number(percent[1]) * total) / 100) : Number(value) || 0;
}

/** Whether a pod has been ready for long enough to count. */
export function isAvailable(pod: Pod, minReadyMs: number, nowMs: number): boolean {
  if (isTerminating(pod) || !isPodReady(pod)) return false;
  if (minReadyMs === 0) return true;
  const since = pod.status?.conditions?.find(c => c.type === 'Ready')?.lastTransitionTime;
  return since !== undefined && nowMs - Date.parse(since) >= minReadyMs;
}

function desiredOf(deployment: Deployment): number {
  return deployment.spec.replicas ?? 1;
}

function sizeOf(set: ReplicaSet): number {
  return set.spec.replicas ?? 0;
}

function created(set: ReplicaSet): number {
  return Date.parse(set.metadata.creationTimestamp ?? '') || 0;
}

function withReplicas(set: ReplicaSet, replicas: number): ReplicaSet {
  return { ...set, spec: { ...set.spec, replicas } };
}
