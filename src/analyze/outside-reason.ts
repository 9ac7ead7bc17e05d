import { inject as injectPod } from '../../webhook/inject/index.ts';
import type { PodTemplate } from '../../webhook/inject/pod.ts';
import type { Workload } from '../model/index.ts';
import { namespaceMarks } from './expected-pods.ts';
import { expectedReason } from './expected-reason.ts';
import type { ObjectMesh } from './mesh-of-objects.ts';

/** Why a workload has no proxy, as injection itself puts it. */
export function outsideReason({ objects, inject }: ObjectMesh, workload: Workload): string {
  const { namespace, name, owner } = workload;
  const find = (kind: string, named: string) =>
    objects.find(({ ref }) => ref.kind === kind && ref.namespace === namespace && ref.name === named);
  const rules = { namespaces: namespaceMarks(objects), inject };
  const maker = find(owner.kind, owner.name);
  const said = maker && expectedReason(maker, rules);
  if (said !== undefined) return said;
  const pod = find('Pod', name);
  if (!pod) return `nobody knows why: neither the pod nor its ${owner.kind} ${owner.name} can be read`;
  const marks = rules.namespaces.get(namespace);
  const context = {
    namespace,
    namespaceLabels: marks?.labels,
    namespaceAnnotations: marks?.annotations,
    ...(maker && { ownerAnnotations: maker.object.metadata.annotations ?? {} }),
    object: pod.ref,
  };
  const result = injectPod(pod.object as unknown as PodTemplate, context, inject);
  if (result.kind === 'skipped') return result.reason;
  if (result.kind === 'refused') return result.problems.map(({ message }) => message).join('; ');
  return 'it would be injected if it were made now: it is older than the label, or the injector did not answer; restart it';
}
