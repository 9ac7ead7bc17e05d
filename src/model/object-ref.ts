/** Which object a piece of the model came from, so that every decision can name it. */
export interface ObjectRef {
  readonly apiVersion: string;
  readonly kind: string;
  /** Empty for cluster-scoped objects. */
  readonly namespace: string;
  readonly name: string;
  /** Where it was read: `shop.yaml:12` for a file, undefined for a cluster. */
  readonly origin?: string;
  /** Of another cluster than the control plane's own. */
  readonly cluster?: string;
}

/** `Service reviews.shop (shop.yaml:12)`, `Pod cart-1.shop (cluster east)` */
export function formatRef(ref: ObjectRef): string {
  const name = ref.namespace === '' ? ref.name : `${ref.name}.${ref.namespace}`;
  const where = [ref.origin, ref.cluster && `cluster ${ref.cluster}`].filter(Boolean).join(', ');
  return where === '' ? `${ref.kind} ${name}` : `${ref.kind} ${name} (${where})`;
}
