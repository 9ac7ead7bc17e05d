// Whether a pod is to be injected at all, and the reason when it is not.
import { ANNOTATIONS, LABELS } from '../../src/config/index.ts';
import { type Labels, type ObjectRef, type Problem, problem } from '../../src/model/index.ts';
import type { AcceptedMesh } from './foreign/table.ts';
import type { InjectOptions } from './options.ts';
import type { PodTemplate } from './pod.ts';

/** What surrounds the pod. */
export interface InjectContext {
  readonly namespace: string;
  readonly namespaceLabels?: Labels;
  readonly namespaceAnnotations?: Labels;
  /**
   * Annotations of the workload that the pod belongs to. They count between the pod's own and the namespace's, because
   * people write `linkerd.io/inject` there. (Kubernetes copies a Deployment's annotations to its ReplicaSets.)
   */
  readonly ownerAnnotations?: Labels;
  /** What problems name: the workload in a file, the pod in the webhook. */
  readonly object?: ObjectRef;
}

/** Stable reasons for leaving a pod as it is. */
export type SkipCode =
  | 'ignored-namespace'
  | 'disabled'
  | 'not-labelled'
  | 'mirror-pod'
  | 'host-network'
  | 'windows'
  | 'other-mesh'
  | 'already-injected';

/** The outcome of `decide`. */
export type Decision =
  | { readonly kind: 'inject' }
  | {
      readonly kind: 'skipped';
      readonly code: SkipCode;
      readonly reason: string;
      /** The pod asks for injection in words of a mesh that is not accepted: somebody will wonder. */
      readonly unheard?: true;
    }
  | { readonly kind: 'refused'; readonly problems: readonly Problem[] };

/**
 * The first of these that says something decides: system namespaces (never), the pod's own labels and annotations, its workload's
 * annotations, its namespace's labels and annotations, `injectByDefault`. On one level Weft's own key beats those of other
 * meshes, and a no beats a yes; Istio's no on a namespace beats its yes on a pod, as there. What is wanted may still be
 * impossible: host network, Windows, a mirror pod, another mesh's sidecar.
 */
export function decide(pod: PodTemplate, context: InjectContext, options: InjectOptions): Decision {
  const { namespace } = context;
  if (namespace === options.systemNamespace || options.ignoredNamespaces.includes(namespace)) {
    return skipped(
      'ignored-namespace',
      `namespace ${namespace} is never injected, so that the cluster comes up alone`,
    );
  }
  const said = firstWish(pod, context, options);
  if (said?.kind === 'unreadable') {
    const message = `${said.key}: "${said.value}" is neither "enabled" nor "disabled"`;
    const path = `metadata.labels[${said.key}]`;
    return {
      kind: 'refused',
      problems: [problem('bad-inject-value', message, { object: context.object, path })],
    };
  }
  if (said?.kind === 'no') return skipped('disabled', `disabled by ${said.by}`);
  if (said === undefined && !options.injectByDefault) {
    return notLabelled(pod, context, options);
  }
  return obstacle(pod) ?? { kind: 'inject' };
}

function notLabelled(pod: PodTemplate, context: InjectContext, options: InjectOptions): Decision {
  const { namespace } = context;
  const reason = `neither the pod nor namespace ${namespace} is labelled ${LABELS.inject}=enabled`;
  const everything = { ...options, acceptOtherMeshes: true, acceptedMeshes: undefined };
  const wish = firstWish(pod, context, everything);
  if (wish?.kind !== 'yes') return skipped('not-labelled', reason);
  const heard = `${wish.by} is the word of another mesh, which counts only where Weft is installed with --accept-labels`;
  return { ...skipped('not-labelled', `${reason}; ${heard}`), unheard: true };
}

function skipped(code: SkipCode, reason: string): Extract<Decision, { kind: 'skipped' }> {
  return { kind: 'skipped', code, reason };
}

/** Containers that show that another mesh has been here. */
const otherMeshes: Readonly<Record<string, string>> = {
  'istio-proxy': 'Istio',
  'linkerd-proxy': 'Linkerd',
  'consul-dataplane': 'Consul',
  'kuma-sidecar': 'Kuma',
};

function obstacle({ metadata, spec }: PodTemplate): Decision | undefined {
  if (metadata?.annotations?.['kubernetes.io/config.mirror'] !== undefined) {
    return skipped('mirror-pod', 'a static pod cannot be changed through the API; it stays outside the mesh');
  }
  if (spec.hostNetwork === true) {
    return skipped(
      'host-network',
      "hostNetwork is true: its packet rules would be the node's; it stays outside the mesh",
    );
  }
  if (spec.os?.name === 'windows' || spec.nodeSelector?.['kubernetes.io/os'] === 'windows') {
    return skipped('windows', 'interception needs Linux; a Windows pod stays outside the mesh');
  }
  for (const { name } of [...spec.containers, ...(spec.initContainers ?? [])]) {
    if (!Object.hasOwn(otherMeshes, name)) continue;
    return skipped(
      'other-mesh',
      `container ${name} is the sidecar of ${otherMeshes[name]}; two meshes cannot share one pod, remove that one first`,
    );
  }
  return undefined;
}

type Wish =
  | { readonly kind: 'yes' | 'no'; readonly by: string }
  | { readonly kind: 'unreadable'; readonly key: string; readonly value: string };

/** A key by which people ask for injection, and the words of its language. */
interface Mark {
  readonly key: string;
  /** `any`: whatever is written. */
  readonly yes: readonly string[] | 'any';
  readonly no: readonly string[];
}

/** A mark of another mesh. */
interface OtherMark extends Mark {
  readonly mesh: AcceptedMesh;
  /** Where the mesh itself looks; both unless told. */
  readonly only?: 'label' | 'annotation';
}

const ownMark: Mark = { key: LABELS.inject, yes: ['enabled', 'true'], no: ['disabled', 'false'] };
const otherMarks: readonly OtherMark[] = [
  { mesh: 'istio', key: LABELS.istioInject, yes: ['enabled'], no: ['disabled'] },
  { mesh: 'istio', key: LABELS.sidecarInject, yes: ['true'], no: ['false'] },
  { mesh: 'istio', key: LABELS.istioRevision, yes: 'any', no: [], only: 'label' },
  { mesh: 'linkerd', key: LABELS.linkerdInject, yes: ['enabled', 'ingress'], no: ['disabled'] },
  {
    mesh: 'consul',
    key: LABELS.consulInject,
    yes: ['1', 't', 'T', 'TRUE', 'true', 'True'],
    no: ['0', 'f', 'F', 'FALSE', 'false', 'False'],
    only: 'annotation',
  },
];

function firstWish(pod: PodTemplate, context: InjectContext, options: InjectOptions): Wish | undefined {
  const levels: readonly [string, Labels, Labels][] = [
    ['pod', pod.metadata?.labels ?? {}, pod.metadata?.annotations ?? {}],
    ['workload', {}, context.ownerAnnotations ?? {}],
    [`namespace ${context.namespace}`, context.namespaceLabels ?? {}, context.namespaceAnnotations ?? {}],
  ];
  // Istio's API server asks for no pod of a namespace that says no, whatever the pod says in its words.
  const isIstioOff = context.namespaceLabels?.[LABELS.istioInject] === 'disabled';
  for (const [name, labels, annotations] of levels) {
    const wish = wishOn(name, labels, annotations, options, isIstioOff && !name.startsWith('namespace'));
    if (wish !== undefined) return wish;
  }
  return undefined;
}

function wishOn(
  level: string,
  labels: Labels,
  annotations: Labels,
  options: InjectOptions,
  deafToIstio: boolean,
): Wish | undefined {
  for (const [sort, map] of [
    ['label', labels],
    ['annotation', annotations],
  ] as const) {
    const value = map[sort === 'label' ? LABELS.inject : ANNOTATIONS.inject];
    if (value === undefined) continue;
    const word = wordOf(ownMark, value, `${level} ${sort}`);
    if (word !== undefined) return word;
    // A typo on a namespace or workload must not hold up every pod of it; on the pod itself its author sees it at once.
    if (level === 'pod') return { kind: 'unreadable', key: ownMark.key, value };
  }
  const revision = labels[LABELS.revision];
  if (revision) return { kind: 'yes', by: `${level} label ${LABELS.revision}=${revision}` };
  if (!options.acceptOtherMeshes) return undefined;
  const wishes: Wish[] = [];
  for (const mark of otherMarks) {
    if (options.acceptedMeshes?.includes(mark.mesh) === false) continue;
    for (const [sort, map] of [
      ['label', labels],
      ['annotation', annotations],
    ] as const) {
      if (mark.only !== undefined && mark.only !== sort) continue;
      const wish = map[mark.key] === undefined ? undefined : wordOf(mark, map[mark.key]!, `${level} ${sort}`);
      if (wish && !(deafToIstio && mark.mesh === 'istio' && wish.kind === 'yes')) wishes.push(wish);
    }
  }
  return wishes.find(({ kind }) => kind === 'no') ?? wishes[0];
}

function wordOf(mark: Mark, value: string, where: string): Wish | undefined {
  const by = `${where} ${mark.key}=${value}`;
  if (mark.yes === 'any' ? value !== '' : mark.yes.includes(value)) return { kind: 'yes', by };
  if (mark.yes === 'any') return undefined;
  if (mark.no.includes(value)) return { kind: 'no', by };
  return undefined;
}
