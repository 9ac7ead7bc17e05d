/**
 * Where something was found. The control plane's own cluster and its network have no name, so that keys of one cluster alone are
 * what they are in Kubernetes. Names have no slash.
 */
export interface Site {
  readonly cluster?: string;
  /** Pods reach each other by address inside of one network only; in another one the same address is somebody else's. */
  readonly network?: string;
}

/** `namespace/name`, or the name alone for cluster-scoped objects; of another cluster `cluster/namespace/name`. */
export function objectKey({
  cluster,
  namespace,
  name,
}: Site & { readonly namespace?: string; readonly name: string }): string {
  const key = namespace === undefined ? name : `${namespace}/${name}`;
  return cluster === undefined ? key : `${cluster}/${key}`;
}

/** A label of pods of a namespace, `shop app=web`; in another cluster `east/shop app=web`. */
export function selectorKey(
  { cluster, namespace }: Site & { readonly namespace: string },
  label: string,
  value: string,
): string {
  return `${objectKey({ ...(cluster !== undefined && { cluster }), name: namespace })} ${label}=${value}`;
}

/** The address alone; in another network `network/address`. */
export function addressKey(address: string, network: string | undefined): string {
  return network === undefined ? address : `${network}/${address}`;
}
