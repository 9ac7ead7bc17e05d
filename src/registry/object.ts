import { type Labels, type ObjectRef, objectKey, type Site } from '../model/index.ts';

/** The part of an object's metadata that Weft reads; the rest is there too, unread. */
export interface ObjectMeta {
  readonly name: string;
  /** Absent for cluster-scoped objects. */
  readonly namespace?: string;
  readonly uid?: string;
  readonly generateName?: string;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Labels;
  readonly annotations?: Labels;
  readonly ownerReferences?: readonly OwnerReference[];
}

/** Who made the object: a Pod's ReplicaSet, a Job's CronJob. */
export interface OwnerReference {
  readonly apiVersion?: string;
  readonly kind: string;
  readonly name: string;
  readonly controller?: boolean;
}

/** A Kubernetes-style object: what every object has, typed; everything else for its dialect to read and check. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly [field: string]: unknown;
}

/** Kind with its API group, as kubectl writes it: `Service`, `DestinationRule.networking.istio.io`. No version: all of them. */
export function kindOf(apiVersion: string, kind: string): string {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? kind : `${kind}.${apiVersion.slice(0, slash)}`;
}

/** `namespace/name`, or the name alone for cluster-scoped objects; with the cluster before it where that is another one. */
export function keyOf(
  { namespace, name }: Pick<ObjectMeta, 'namespace' | 'name'>,
  { cluster }: Site = {},
): string {
  return objectKey({
    ...(cluster !== undefined && { cluster }),
    ...(namespace !== undefined && { namespace }),
    name,
  });
}

/** How problems and decisions name the object. */
export function refOf(object: KubeObject, origin?: string, { cluster }: Site = {}): ObjectRef {
  const { name, namespace = '' } = object.metadata;
  const ref = { apiVersion: object.apiVersion, kind: object.kind, namespace, name, origin };
  return cluster === undefined ? ref : { ...ref, cluster };
}
