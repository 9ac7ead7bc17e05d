import {
  type BarePod,
  type DaemonSet,
  isOwnedBy,
  isPodFinished,
  isPodReady,
  isTerminating,
  type KubeObject,
  type Pod,
  type PodTemplate,
  type StatefulSet,
} from '../kube/index.ts';
import { makePod } from './make-pod.ts';
import { contentHash } from './names.ts';
import type { Context, Plan } from './plan.ts';

/** The label with the version of the template that a StatefulSet's or DaemonSet's pod was made from. */
export const REVISION = 'controller-revision-hash';

/** Pods `name-0` to `name-(n-1)`, made in order and updated from the last to the first (pure). */
export function reconcileStatefulSet(set: StatefulSet, pods: readonly Pod[], context: Context): Plan {
  const owned = new Map(pods.filter(pod => isOwnedBy(pod, set)).map(pod => [pod.metadata.name, pod]));
  const replicas = set.spec.replicas ?? 1;
  const hash = contentHash(set.spec.template);
  const parallel = set.spec.podManagementPolicy === 'Parallel';
  const createPods: Pod[] = [];
  for (let index = 0; index < replicas; index++) {
    const pod = owned.get(`${set.metadata.name}-${index}`);
    if (!pod) createPods.push(ordinalPod(set, index, hash, context));
    if (!parallel && !(pod && isPodReady(pod) && !isTerminating(pod))) {
      return { createPods, deletePods: finishedOf(owned) };
    }
  }
  const surplus = [...owned.values()].filter(pod => ordinalOf(pod) >= replicas).sort(highestFirst);
  if (surplus.length > 0) return { createPods, deletePods: parallel ? surplus : oneAtATime(surplus) };
  const partition = set.spec.updateStrategy?.rollingUpdate?.partition ?? 0;
  const stale = [...owned.values()]
    .filter(pod => pod.metadata.labels?.[REVISION] !== hash && ordinalOf(pod) >= partition)
    .sort(highestFirst);
  const update = set.spec.updateStrategy?.type === 'OnDelete' ? [] : oneAtATime(stale);
  return { createPods, deletePods: [...finishedOf(owned), ...update] };
}

function ordinalPod(set: StatefulSet, index: number, hash: string, context: Context): Pod {
  const name = `${set.metadata.name}-${index}`;
  const labels = {
    'statefulset.kubernetes.io/pod-name': name,
    'apps.kubernetes.io/pod-index': String(index),
    [REVISION]: hash,
  };
  return makePod(set, withClaims(set, name), context, {
    name,
    labels,
    hostname: name,
    subdomain: set.spec.serviceName,
  });
}

/** The template with the volumes that are this pod's alone, and that a pod of the same name finds again. */
function withClaims(set: StatefulSet, pod: string): PodTemplate {
  const { template, volumeClaimTemplates = [] } = set.spec;
  const claims = volumeClaimTemplates.map(({ metadata: { name } }) => {
    return { name, persistentVolumeClaim: { claimName: `${name}-${pod}` } };
  });
  if (claims.length === 0) return template;
  return { ...template, spec: { ...template.spec, volumes: [...(template.spec.volumes ?? []), ...claims] } };
}

function ordinalOf(pod: Pod): number {
  return Number(/-(\d+)$/.exec(pod.metadata.name)?.[1] ?? -1);
}

function highestFirst(a: Pod, b: Pod): number {
  return ordinalOf(b) - ordinalOf(a);
}

function oneAtATime(pods: readonly Pod[]): Pod[] {
  return pods.some(isTerminating) ? [] : pods.slice(0, 1);
}

function finishedOf(owned: ReadonlyMap<string, Pod>): Pod[] {
  return [...owned.values()].filter(pod => isPodFinished(pod) && !isTerminating(pod));
}

/** One pod on the one node, replaced when its template changes (pure). */
export function reconcileDaemonSet(set: DaemonSet, pods: readonly Pod[], context: Context): Plan {
  return reconcileSingle(set, set.spec.template, pods, context, `${set.metadata.name}-${context.suffix()}`);
}

/**
 * The pod that a folder holds as such, replaced when it changes there (pure). Unlike others it is not made again when it ends.
 */
export function reconcileBarePod(bare: BarePod, pods: readonly Pod[], context: Context): Plan {
  return reconcileSingle(bare, bare.spec.template, pods, context, bare.metadata.name);
}

function reconcileSingle(
  owner: KubeObject,
  template: PodTemplate,
  pods: readonly Pod[],
  context: Context,
  name: string,
): Plan {
  const owned = pods.filter(pod => isOwnedBy(pod, owner));
  const hash = contentHash(template);
  if (owned.length === 0)
    return { createPods: [makePod(owner, template, context, { name, labels: { [REVISION]: hash } })] };
  const again = owner.kind === 'BarePod' ? [] : owned.filter(isPodFinished);
  const stale = owned.filter(pod => pod.metadata.labels?.[REVISION] !== hash);
  return { deletePods: [...new Set([...again, ...stale])].filter(pod => !isTerminating(pod)) };
}
