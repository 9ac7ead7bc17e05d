// Pods that should be in the mesh and are not: created before their namespace was labelled, or while nobody answered the API
// server. In: pods and namespaces. Out: workloads, each with the reason and the command that mends it. Pure, and used by
// `weft check`, a metric and an event.
import type { Labels } from '../../src/model/index.ts';
import { inject, type NamespaceMarks } from '../inject/index.ts';
import { isMap, type PodTemplate } from '../inject/pod.ts';
import { readStatus } from '../inject/status.ts';
import { controllerOf } from './admit.ts';
import type { EventReporter } from './events.ts';
import type { OwnerRef, WebhookSettings } from './options.ts';

/** A Pod as the API server gives it. */
export type KubePod = PodTemplate & {
  readonly metadata?: {
    readonly name?: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly deletionTimestamp?: string;
  } | null;
  readonly status?: { readonly phase?: string } | null;
};

/** Pods of one workload that are outside the mesh although they should be in it. */
export interface UninjectedWorkload {
  readonly namespace: string;
  /** Deployment, StatefulSet, …; the pod itself where nothing controls it. */
  readonly workload: OwnerRef;
  readonly pods: readonly string[];
  /**
   * `missed`: would be injected now. `refused`: inject refuses it; `reason` says why. `impossible`: asked for, but it cannot be
   * (host network, Windows, another mesh).
   */
  readonly code: 'missed' | 'refused' | 'impossible';
  readonly reason: string;
  /** A command, or what to do before one. */
  readonly remedy: string;
}

/** What surrounds the pods. */
export interface UninjectedContext {
  readonly namespaces: (name: string) => NamespaceMarks | undefined;
  /** Annotations of a pod's workload, where known: `linkerd.io/inject: disabled` may stand there. */
  readonly ownerAnnotations?: (pod: KubePod) => Labels | undefined;
  readonly settings: WebhookSettings;
}

const impossible = ['host-network', 'windows', 'other-mesh', 'mirror-pod'];

/** The workloads with pods outside the mesh that should be in it, in the order of their names. Ended pods do not count. */
export function findUninjected(pods: Iterable<KubePod>, context: UninjectedContext): UninjectedWorkload[] {
  const found = new Map<string, UninjectedWorkload & { readonly pods: string[] }>();
  for (const pod of pods) {
    const judged = judge(pod, context);
    if (judged === undefined) continue;
    const namespace = pod.metadata?.namespace ?? 'default';
    const name = pod.metadata?.name ?? '';
    const workload = workloadOf(pod);
    const key = `${namespace}/${workload.kind}/${workload.name}/${judged.code}/${judged.reason}`;
    const known = found.get(key);
    if (known) known.pods.push(name);
    else {
      const remedy = remedyFor(judged.code, workload, namespace, name);
      found.set(key, { namespace, workload, pods: [name], ...judged, remedy });
    }
  }
  return [...found.keys()].sort().map(key => found.get(key)!);
}

function judge(
  pod: KubePod,
  { namespaces, ownerAnnotations, settings }: UninjectedContext,
): Pick<UninjectedWorkload, 'code' | 'reason'> | undefined {
  const { metadata, status } = pod;
  if (metadata?.deletionTimestamp || status?.phase === 'Succeeded' || status?.phase === 'Failed')
    return undefined;
  if (!isMap(pod.spec) || readStatus(pod) !== undefined) return undefined;
  const namespace = metadata?.namespace ?? 'default';
  const marks = namespaces(namespace);
  const context = {
    namespace,
    namespaceLabels: marks?.labels,
    namespaceAnnotations: marks?.annotations,
    ownerAnnotations: ownerAnnotations?.(pod),
  };
  const result = inject(pod, context, settings.inject);
  if (result.kind === 'injected') {
    const reason =
      'it was created before it was asked for, or while no weft-injector answered the API server';
    return { code: 'missed', reason };
  }
  if (result.kind === 'refused') {
    return { code: 'refused', reason: result.problems.map(({ message }) => message).join('; ') };
  }
  return impossible.includes(result.code) ? { code: 'impossible', reason: result.reason } : undefined;
}

/** What people know the pod's workload by. */
export function workloadOf(pod: KubePod): OwnerRef {
  const controller = controllerOf(pod);
  if (controller === undefined) {
    const { name = '', uid } = pod.metadata ?? {};
    return { apiVersion: 'v1', kind: 'Pod', name, ...(uid === undefined ? {} : { uid }) };
  }
  const hash = pod.metadata?.labels?.['pod-template-hash'];
  if (controller.kind !== 'ReplicaSet' || hash === undefined || !controller.name.endsWith(`-${hash}`)) {
    return controller;
  }
  return { apiVersion: 'apps/v1', kind: 'Deployment', name: controller.name.slice(0, -hash.length - 1) };
}

function remedyFor(
  code: UninjectedWorkload['code'],
  { kind, name }: OwnerRef,
  namespace: string,
  pod: string,
): string {
  if (code === 'impossible')
    return `label it weft.dev/inject=disabled, so that nobody expects it in the mesh`;
  const where = `-n ${namespace}`;
  const restart = restartCommand(kind, name, where, pod);
  return code === 'refused' ? `mend that, then ${restart}` : restart;
}

function restartCommand(kind: string, name: string, where: string, pod: string): string {
  switch (kind) {
    case 'Deployment':
    case 'StatefulSet':
    case 'DaemonSet':
      return `kubectl rollout restart ${kind.toLowerCase()}/${name} ${where}`;
    case 'Job':
      return `let job/${name} end, or delete it and create it again: kubectl delete job/${name} ${where}`;
    case 'Pod':
      return `kubectl get pod/${name} ${where} -o yaml | weft inject - | kubectl replace --force -f -`;
    default:
      return `kubectl delete pod/${pod} ${where}`;
  }
}

/** Writes an event to each workload that is outside the mesh; call it now and then. */
export function reportUninjected(found: readonly UninjectedWorkload[], events: EventReporter): void {
  for (const { namespace, workload, reason, remedy } of found) {
    // Without their number, which changes during a rollout: the same event is told once.
    const message = `pods of it are not in the mesh: ${reason}. remedy: ${remedy}`;
    events.report({ namespace, about: workload, type: 'Warning', reason: 'WeftPodsOutsideMesh', message });
  }
}
