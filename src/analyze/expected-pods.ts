// The pods that objects would make, for folders of YAML where nothing runs: one for each replica, with or without a proxy as
// injection would decide. Pure; addresses are made up (RFC 2544's range for tests, which no cluster uses).
import {
  type InjectContext,
  type InjectOptions,
  type InjectResult,
  inject as injectPod,
  type NamespaceMarks,
} from '../../webhook/inject/index.ts';
import type { PodTemplate } from '../../webhook/inject/pod.ts';
import { ANNOTATIONS } from '../config/names.ts';
import type { Labels } from '../model/index.ts';
import { fieldAt, stringsOf } from '../plain/index.ts';
import type { KubeObject, Stored } from '../registry/index.ts';
import { refOf } from '../registry/index.ts';
import { isLivePod, type OwnedTemplate, templatesOf } from './pod-templates.ts';

/** Enough to count by; nobody is helped by ten thousand of them. */
const mostReplicas = 50;

/** Every pod that the objects ask for and that is not among them already. */
export function expectedPods(objects: readonly Stored[], inject: InjectOptions): readonly Stored[] {
  const live = objects.filter(isLivePod);
  const namespaces = namespaceMarks(objects);
  let number = 0;
  const templates = objects.filter(each => !isLivePod(each)).flatMap(templatesOf);
  return templates.flatMap(found => {
    if (live.some(pod => isOf(pod, found))) return [];
    const meshed = meshedAnnotations(found, { namespaces, inject });
    const count = Math.min(Math.max(found.replicas, scaledTo(found, objects)), mostReplicas);
    const name =
      found === templates.find(each => each.owner === found.owner) ? '' : `-${templates.indexOf(found)}`;
    return Array.from({ length: count }, (_, index) => podOf(found, `${name}-${index}`, ++number, meshed));
  });
}

/** Labels and annotations of the namespaces among the objects. */
export function namespaceMarks(objects: readonly Stored[]): ReadonlyMap<string, NamespaceMarks> {
  const marks = new Map<string, NamespaceMarks>();
  for (const { object } of objects) {
    const { name, labels = {}, annotations = {} } = object.metadata;
    if (object.apiVersion === 'v1' && object.kind === 'Namespace') marks.set(name, { labels, annotations });
  }
  return marks;
}

/** What injection depends on. */
export interface InjectionRules {
  readonly namespaces: ReadonlyMap<string, NamespaceMarks>;
  readonly inject: InjectOptions;
}

/** Annotations of the pod with its proxy; undefined where it has none. */
function meshedAnnotations(found: OwnedTemplate, rules: InjectionRules): Labels | undefined {
  if (found.annotations[ANNOTATIONS.status] !== undefined) return found.annotations;
  const result = injectionOf(found, rules);
  return result.kind === 'injected' ? stringsOf(result.pod.metadata?.annotations) : undefined;
}

/**
 * What surrounds the template, and the options that hold there. A namespace that is not described is taken for one of the mesh:
 * people keep its labels elsewhere.
 */
export function surroundingsOf(
  { owner }: OwnedTemplate,
  { namespaces, inject }: InjectionRules,
): { readonly context: InjectContext; readonly options: InjectOptions } {
  const namespace = owner.ref.namespace;
  const marks = namespaces.get(namespace);
  const context = {
    namespace,
    namespaceLabels: marks?.labels,
    namespaceAnnotations: marks?.annotations,
    ...(owner.object.kind !== 'Pod' && { ownerAnnotations: owner.object.metadata.annotations ?? {} }),
    object: owner.ref,
  };
  return { context, options: marks ? inject : { ...inject, injectByDefault: true } };
}

/** What injection would do with the template: its own function, so that nothing is refused there and passed over here. */
export function injectionOf(found: OwnedTemplate, rules: InjectionRules): InjectResult {
  const { context, options } = surroundingsOf(found, rules);
  return injectPod(found.template as unknown as PodTemplate, context, options);
}

function isOf({ object, ref }: Stored, { owner, labels }: OwnedTemplate): boolean {
  if (ref.namespace !== owner.ref.namespace || Object.keys(labels).length === 0) return false;
  return Object.entries(labels).every(([key, value]) => object.metadata.labels?.[key] === value);
}

/** What somebody else keeps it at: a Rollout that takes its pods from this workload, or a HorizontalPodAutoscaler, at least. */
function scaledTo(found: OwnedTemplate, objects: readonly Stored[]): number {
  return Math.max(rolledOut(found, objects), autoscaled(found, objects));
}

/** Argo's `workloadRef`: the Deployment itself has no replicas then. */
function rolledOut({ owner }: OwnedTemplate, objects: readonly Stored[]): number {
  const found = objects.find(
    ({ object, ref }) =>
      object.apiVersion.startsWith('argoproj.io/') &&
      ref.namespace === owner.ref.namespace &&
      fieldAt(object, 'spec', 'workloadRef', 'kind') === owner.ref.kind &&
      fieldAt(object, 'spec', 'workloadRef', 'name') === owner.ref.name,
  );
  const replicas = found && fieldAt(found.object, 'spec', 'replicas');
  return !found ? 0 : typeof replicas === 'number' ? replicas : 1;
}

function autoscaled({ owner }: OwnedTemplate, objects: readonly Stored[]): number {
  const found = objects.find(
    ({ object, ref }) =>
      object.kind === 'HorizontalPodAutoscaler' &&
      ref.namespace === owner.ref.namespace &&
      fieldAt(object, 'spec', 'scaleTargetRef', 'kind') === owner.ref.kind &&
      fieldAt(object, 'spec', 'scaleTargetRef', 'name') === owner.ref.name,
  );
  if (!found) return 0;
  const least = fieldAt(found.object, 'spec', 'minReplicas');
  return typeof least === 'number' ? least : 1;
}

function podOf(found: OwnedTemplate, suffix: string, number: number, meshed: Labels | undefined): Stored {
  const { owner, template, labels, annotations } = found;
  const { kind, name, namespace } = owner.ref;
  const isDeployment = kind === 'Deployment';
  const hash = { 'pod-template-hash': 'expected' };
  const controller = {
    kind: isDeployment ? 'ReplicaSet' : kind,
    name: isDeployment ? `${name}-expected` : name,
  };
  const metadata = {
    name: kind === 'Pod' ? name : `${name}${suffix}`,
    namespace,
    labels: isDeployment ? { ...labels, ...hash } : labels,
    annotations: meshed ?? annotations,
    ...(kind !== 'Pod' && { ownerReferences: [{ ...controller, controller: true }] }),
  };
  const address = `198.18.${number >> 8}.${number & 255}`;
  const object: KubeObject = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata,
    spec: template.spec,
    status: { phase: 'Running', podIP: address, conditions: [{ type: 'Ready', status: 'True' }] },
  };
  return { object, ref: refOf(object, owner.ref.origin) };
}
