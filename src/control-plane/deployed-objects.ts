import { createHash } from 'node:crypto';
import { type ApiObject, type ResourceType, TYPES } from '../kubernetes/index.ts';
import { recordOf } from '../plain/index.ts';

/** Who owns the fields that are applied. */
export const FIELD_MANAGER = 'weft-gateways';

/** Of what was applied: as long as it is the same there is nothing to write. */
const digestAnnotation = 'weft.dev/applied';

function namespaced(group: string, version: string, kind: string, plural: string): ResourceType {
  return { group, version, kind, plural, namespaced: true };
}

/** The kinds that a gateway consists of, as Kubernetes 1.`minor` has them. */
export function deployedTypes(minor: number): readonly ResourceType[] {
  const types = [
    namespaced('', 'v1', 'ServiceAccount', 'serviceaccounts'),
    TYPES.service,
    namespaced('policy', minor < 21 ? 'v1beta1' : 'v1', 'PodDisruptionBudget', 'poddisruptionbudgets'),
    namespaced('apps', 'v1', 'Deployment', 'deployments'),
  ];
  // Only v2 says by what it scales.
  if (minor < 23) return types;
  return [...types, namespaced('autoscaling', 'v2', 'HorizontalPodAutoscaler', 'horizontalpodautoscalers')];
}

/** The object with the digest of itself. */
export function withDigest(object: ApiObject): ApiObject {
  const metadata = recordOf(object.metadata);
  const digest = createHash('sha256').update(JSON.stringify(object)).digest('hex').slice(0, 16);
  const annotations = { ...recordOf(metadata.annotations), [digestAnnotation]: digest };
  return { ...object, metadata: { ...metadata, annotations } };
}

/** Undefined for what was not applied from here. */
export function digestOf({ metadata }: ApiObject): string | undefined {
  const value = recordOf(recordOf(metadata).annotations)[digestAnnotation];
  return typeof value === 'string' ? value : undefined;
}
