import { type KubeObject, ownerReference, type Pod, type PodTemplate } from '../kube/index.ts';
import type { Context } from './plan.ts';

/** The name of the one node that the sandbox plays. */
export const NODE_NAME = 'sandbox';

/** A new Pod from its owner's template, as the API server would have it before admission. */
export function makePod(
  owner: KubeObject,
  template: PodTemplate,
  context: Context,
  extra: { name?: string; labels?: Record<string, string>; hostname?: string; subdomain?: string } = {},
): Pod {
  const { metadata, spec } = template;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: extra.name ?? `${owner.metadata.name}-${context.suffix()}`,
      namespace: owner.metadata.namespace ?? 'default',
      uid: context.uid(),
      labels: { ...metadata?.labels, ...extra.labels },
      ...(metadata?.annotations ? { annotations: metadata.annotations } : {}),
      ownerReferences: [ownerReference(owner)],
      creationTimestamp: new Date(context.nowMs).toISOString(),
    },
    spec: {
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      serviceAccountName: 'default',
      nodeName: NODE_NAME,
      ...spec,
      ...(extra.hostname ? { hostname: extra.hostname } : {}),
      ...(extra.subdomain ? { subdomain: extra.subdomain } : {}),
    },
    status: { phase: 'Pending' },
  };
}
