/** The metadata of a Kubernetes object, as far as the sandbox reads or writes it. */
export interface ObjectMeta {
  readonly name: string;
  /** Empty or absent for cluster-scoped objects. */
  readonly namespace?: string;
  readonly uid?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly deletionGracePeriodSeconds?: number;
}

/** Points from an object to the one that made it. */
export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
}

/** Any Kubernetes object; the typed ones of types.ts narrow it by `kind`. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
}

/** API groups of the kinds that the sandbox acts on, where it is not the core group. */
const groups: Readonly<Record<string, string>> = {
  Deployment: 'apps',
  ReplicaSet: 'apps',
  StatefulSet: 'apps',
  DaemonSet: 'apps',
  Job: 'batch',
  CronJob: 'batch',
  EndpointSlice: 'discovery.k8s.io',
  BarePod: 'sandbox.weft.dev',
};

/** `Deployment`, `Service`; with its group where that is another one than Kubernetes' own (`Gateway.networking.istio.io`). */
export function storeKind(apiVersion: string, kind: string): string {
  const slash = apiVersion.indexOf('/');
  const group = slash < 0 ? '' : apiVersion.slice(0, slash);
  return group === '' || group === groups[kind] ? kind : `${kind}.${group}`;
}

/** `namespace/name`, or the name alone for cluster-scoped objects. */
export function keyOf(metadata: ObjectMeta): string {
  return metadata.namespace ? `${metadata.namespace}/${metadata.name}` : metadata.name;
}

/** `Deployment/shop/web`: unique among all objects of the sandbox. */
export function refOf(object: KubeObject): string {
  return `${storeKind(object.apiVersion, object.kind)}/${keyOf(object.metadata)}`;
}

/** The owner reference that makes `owner` the controller of what carries it. */
export function ownerReference(owner: KubeObject): OwnerReference {
  return {
    apiVersion: owner.apiVersion,
    kind: owner.kind,
    name: owner.metadata.name,
    uid: owner.metadata.uid ?? '',
    controller: true,
  };
}

/** Whether `owner` controls `object`. */
export function isOwnedBy(object: KubeObject, owner: KubeObject): boolean {
  return object.metadata.ownerReferences?.some(ref => ref.uid === owner.metadata.uid) ?? false;
}
