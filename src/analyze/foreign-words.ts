// Words of other meshes on pods and namespaces, and whether anybody obeys them.
import { foreignKeys, isAccepted, meshName } from '../../webhook/inject/index.ts';
import type { PodTemplate } from '../../webhook/inject/pod.ts';
import { ANNOTATIONS, LABELS } from '../config/names.ts';
import type { AnalysisContext } from './context.ts';
import { injectionOf, surroundingsOf } from './expected-pods.ts';
import { type Finding, finding } from './finding.ts';
import { isLivePod, templatesOf } from './pod-templates.ts';

/** Findings about annotations and labels of other meshes. Those of pods that injection itself complains of are its findings. */
export function foreignFindings(context: AnalysisContext): readonly Finding[] {
  return [...podFindings(context), ...namespaceFindings(context)];
}

/** Whether it is known which meshes' words are accepted: a cluster's settings say so, a folder of YAML does not. */
function isKnown({ inject }: AnalysisContext['injection']): boolean {
  return !inject.acceptOtherMeshes || inject.acceptedMeshes !== undefined;
}

function podFindings({ objects, injection }: AnalysisContext): readonly Finding[] {
  const templates = objects.filter(each => !isLivePod(each)).flatMap(templatesOf);
  return templates.flatMap(found => {
    if (found.annotations[ANNOTATIONS.status] !== undefined) return [];
    const object = found.owner.ref;
    const result = injectionOf(found, injection);
    if (result.kind === 'skipped' && result.unheard)
      return [finding('foreign-annotation', { object, reason: result.reason, severity: 'warning' })];
    if (isKnown(injection)) return [];
    const { context, options } = surroundingsOf(found, injection);
    return [...foreignKeys(found.template as unknown as PodTemplate, context)].flatMap(([mesh, keys]) => {
      if (!isAccepted(mesh, options)) return [];
      const reason = `${keys.join(', ')}: words of ${meshName(mesh)}, which weft inject obeys, and a control plane only where it was installed with --accept-labels ${mesh}`;
      return [finding('foreign-annotation', { object, reason })];
    });
  });
}

const words = [
  [LABELS.istioInject, 'istio'],
  [LABELS.istioRevision, 'istio'],
  [LABELS.linkerdInject, 'linkerd'],
] as const;

/** Namespaces that another mesh's word puts into the mesh, or would. */
function namespaceFindings({ objects, injection }: AnalysisContext): readonly Finding[] {
  return objects.flatMap(({ object, ref }) => {
    if (object.kind !== 'Namespace' || object.apiVersion !== 'v1') return [];
    const { labels = {}, annotations = {} } = object.metadata;
    if (labels[LABELS.inject] !== undefined || annotations[ANNOTATIONS.inject] !== undefined) return [];
    return words.flatMap(([key, mesh]) => {
      const value = labels[key] ?? (mesh === 'linkerd' ? annotations[key] : undefined);
      if (value === undefined || value === 'disabled') return [];
      const isObeyed = isAccepted(mesh, injection.inject);
      if (isObeyed && isKnown(injection)) return [];
      const reason = isObeyed
        ? `${key}=${value} is ${meshName(mesh)}'s word, which weft inject obeys, and a control plane only where it was installed with --accept-labels ${mesh}`
        : `${key}=${value} is ${meshName(mesh)}'s word, and Weft was not installed with --accept-labels ${mesh}: pods of this namespace are not injected`;
      return [
        finding('foreign-annotation', {
          object: ref,
          reason,
          ...(!isObeyed && { severity: 'warning' as const }),
        }),
      ];
    });
  });
}
