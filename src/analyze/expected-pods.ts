// The pods that objects would make, for folders of YAML where nothing runs: one for each replica, with or without a proxy as injection
// would decide. Pure; addresses are made up (RFC 2544's range for tests, which no cluster uses).
import { decide, type InjectOptions, type NamespaceMarks } from '../../webhook/inject/index.ts';
import type { PodTemplate } from '../../webhook/inject/pod.ts';
import { ANNOTATIONS } from '../config/names.ts';
import type { KubeObject, Stored } from '../registry/index.ts';
import { refOf } from '../registry/index.ts';
import { fieldAt, isRecord, recordsOf, stringsOf } from './plain.ts';
import { isLivePod, type OwnedTemplate, templateOf } from './pod-templates.ts';

/** Enough to count by; nobody is helped by ten thousand of them. */
const mostReplicas = 50;

/** Every pod that the objects ask for and that is not among them already. */
export function expectedPods(objects: readonly Stored[], inject: InjectOptions): readonly Stored[] {
  const live = objects.filter(isLivePod);
  const namespaces = namespaceMarks(objects);
  let number = 0;
  return objects.flatMap(stored => {
    const found = isLivePod(stored) ? undefined : templateOf(stored);
    if (!found || live.some(pod => isOf(pod, found))) return [];
    const meshed = isMeshed(found, { namespaces, inject });
    const count = Math.min(Math.max(found.replicas, scaledTo(found, objects)), mostReplicas);
    return Array.from({ length: count }, (_, index) => podOf(found, index, ++number, meshed));
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

function isMeshed(found: OwnedTemplate, rules: InjectionRules): boolean {
  if (found.annotations[ANNOTATIONS.status] !== undefined) return true;
  return injectionOf(found, rules).kind === 'inject';
}

/** What injection would do with the template. A namespace that is not described is taken for one of the mesh: people keep its labels elsewhere. */
export function injectionOf(
  { template, owner }: OwnedTemplate,
  { namespaces, inject }: InjectionRules,
): ReturnType<typeof decide> {
  const namespace = owner.ref.namespace;
  const marks = namespaces.get(namespace);
  const context = {
    namespace,
    namespaceLabels: marks?.labels,
    namespaceAnnotations: marks?.annotations,
    ...(owner.object.kind !== 'Pod' && { ownerAnnotations: owner.object.metadata.annotations ?? {} }),
  };
  return decide(readable(template), context, marks ? inject : { ...inject, injectByDefault: true });
}

/** With the lists that `decide` goes through. */
function readable(template: OwnedTemplate['template']): PodTemplate {
  const spec = isRecord(template.spec) ? template.spec : {};
  const containers = recordsOf(spec.containers);
  const initContainers = recordsOf(spec.initContainers);
  return { ...template, spec: { ...spec, containers, initContainers } } as unknown as PodTemplate;
}

function isOf({ object, ref }: Stored, { owner, labels }: OwnedTemplate): boolean {
  if (ref.namespace !== owner.ref.namespace || Object.keys(labels).length === 0) return false;
  return Object.entries(labels).every(([key, value]) => object.metadata.labels?.[key] === value);
}

/** The least that a HorizontalPodAutoscaler keeps it at; 0 where there is none. */
function scaledTo({ owner }: OwnedTemplate, objects: readonly Stored[]): number {
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

function podOf(found: OwnedTemplate, index: number, number: number, meshed: boolean): Stored {
  const { owner, template, labels, annotations } = found;
  const { kind, name, namespace } = owner.ref;
  const isDeployment = kind === 'Deployment';
  const hash = { 'pod-template-hash': 'expected' };
  const controller = {
    kind: isDeployment ? 'ReplicaSet' : kind,
    name: isDeployment ? `${name}-expected` : name,
  };
  const metadata = {
    name: kind === 'Pod' ? name : `${name}-${index}`,
    namespace,
    labels: isDeployment ? { ...labels, ...hash } : labels,
    annotations: meshed ? { [ANNOTATIONS.status]: '{}', ...stringsOf(annotations) } : annotations,
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
