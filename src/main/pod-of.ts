import type { Registry } from '../registry/index.ts';

/**
 * The namespace and account of the pod with this uid, as it was read last; undefined where there is none. Looks through all pods:
 * it is asked only while the API server cannot check tokens.
 */
export function podOf(
  registry: Registry,
  uid: string,
): { readonly namespace: string; readonly serviceAccount: string } | undefined {
  for (const { object } of registry.list('Pod')) {
    if (object.metadata.uid !== uid) continue;
    const { serviceAccountName = 'default' } = (object.spec ?? {}) as {
      readonly serviceAccountName?: string;
    };
    return { namespace: object.metadata.namespace ?? 'default', serviceAccount: serviceAccountName };
  }
  return undefined;
}
