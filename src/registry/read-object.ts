import { isRecord } from '../plain/index.ts';
import type { KubeObject } from './object.ts';
import { isClusterScoped } from './scope.ts';

/** What became of a piece of plain data: an object, or why it is none, with the path of what is wrong. */
export type ReadResult =
  | { readonly kind: 'object'; readonly object: KubeObject }
  | { readonly kind: 'refused'; readonly path: string; readonly message: string };

const namePattern = /^[a-z0-9]([a-z0-9.:-]{0,251}[a-z0-9])?$/i;

/**
 * Takes plain data as a Kubernetes object: checks what every object has and puts namespaced objects without a namespace into
 * `defaultNamespace`. Says nothing about spec or status; that is for the dialect.
 */
export function readObject(data: unknown, defaultNamespace = 'default'): ReadResult {
  if (!isRecord(data)) return refused('', 'not an object; a document needs apiVersion, kind and metadata');
  const { apiVersion, kind, metadata } = data;
  if (!isText(apiVersion)) return refused('apiVersion', 'apiVersion is missing or not a string');
  if (!isText(kind)) return refused('kind', 'kind is missing or not a string');
  if (!isRecord(metadata)) return refused('metadata', `metadata of this ${kind} is missing; give it a name`);
  const { name, namespace } = metadata;
  if (!isText(name)) return refused('metadata.name', `this ${kind} has no name; set metadata.name`);
  if (!namePattern.test(name)) {
    return refused('metadata.name', `'${name}' is no name of an object; use letters, digits, '-' and '.'`);
  }
  if (namespace !== undefined && namespace !== null && !isText(namespace)) {
    return refused('metadata.namespace', `the namespace of ${kind} ${name} is not a string`);
  }
  const wrong = wrongStrings(metadata, 'labels') ?? wrongStrings(metadata, 'annotations');
  if (wrong) return wrong;
  const owners = metadata.ownerReferences;
  if (owners !== undefined && owners !== null && !(Array.isArray(owners) && owners.every(isOwner))) {
    return refused('metadata.ownerReferences', 'each owner needs a kind and a name');
  }
  return { kind: 'object', object: placed(data as unknown as KubeObject, defaultNamespace) };
}

function placed(written: KubeObject, defaultNamespace: string): KubeObject {
  const object = withoutNulls(written);
  const { namespace, ...rest } = object.metadata;
  if (isClusterScoped(object.apiVersion, object.kind)) {
    return namespace === undefined ? object : { ...object, metadata: rest };
  }
  if (namespace) return object;
  return { ...object, metadata: { ...rest, namespace: defaultNamespace } };
}

/** As the API server reads it: null is absent, and in a map of strings the empty one. */
function withoutNulls(object: KubeObject): KubeObject {
  const { labels, annotations } = object.metadata;
  const fields = Object.entries(object.metadata);
  const odd = [labels, annotations].some(map => map && (Object.values(map) as unknown[]).includes(null));
  if (!odd && !fields.some(([, value]) => value === null)) return object;
  const kept = Object.fromEntries(fields.filter(([, value]) => value !== null));
  const texts = (map: unknown): object | undefined =>
    isRecord(map)
      ? Object.fromEntries(Object.entries(map).map(([key, value]) => [key, value ?? '']))
      : undefined;
  const [ownLabels, ownAnnotations] = [texts(labels), texts(annotations)];
  const metadata = {
    ...kept,
    ...(ownLabels && { labels: ownLabels }),
    ...(ownAnnotations && { annotations: ownAnnotations }),
  };
  return { ...object, metadata } as KubeObject;
}

function wrongStrings(metadata: Record<string, unknown>, field: string): ReadResult | undefined {
  const values = metadata[field];
  if (values === undefined || values === null) return undefined;
  if (!isRecord(values)) return refused(`metadata.${field}`, `${field} must be a map of strings`);
  for (const [key, value] of Object.entries(values)) {
    if (typeof value !== 'string' && value !== null) {
      return refused(`metadata.${field}['${key}']`, `'${key}' must be a string; put ${value} in quotes`);
    }
  }
  return undefined;
}

function refused(path: string, message: string): ReadResult {
  return { kind: 'refused', path, message };
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isOwner(value: unknown): boolean {
  return isRecord(value) && isText(value.kind) && isText(value.name);
}
