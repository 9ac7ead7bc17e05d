/** Which object a piece of the model came from, so that every decision can name it. */
export interface ObjectRef {
  readonly apiVersion: string;
  readonly kind: string;
  /** Empty for cluster-scoped objects. */
  readonly namespace: string;
  readonly name: string;
  /** Where it was read: `shop.yaml:12` for a file, undefined for a cluster. */
  readonly origin?: string;
}

/** `Service reviews.shop (shop.yaml:12)` */
export function formatRef(ref: ObjectRef): string {
  const name = ref.namespace === '' ? ref.name : `${ref.name}.${ref.namespace}`;
  return ref.origin === undefined ? `${ref.kind} ${name}` : `${ref.kind} ${name} (${ref.origin})`;
}
