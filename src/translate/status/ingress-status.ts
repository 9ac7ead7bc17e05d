import type { Mesh, ObjectRef, ServedIngress } from '../../model/index.ts';
import { recordOf, recordsOf } from '../../plain/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { StatusContent } from './object-status.ts';

/**
 * Where clients find an Ingress that a gateway of ours serves, as ingress-nginx says it. Of another's Ingress nothing is said but
 * what must go: a status that we wrote ourselves before its class was another one. Sources keep no other status of Ingresses.
 */
export function ingressStatus(object: KubeObject, ref: ObjectRef, mesh: Mesh): StatusContent | undefined {
  const [served] = mesh.servedIngresses.get(`${ref.namespace}/${ref.name}`) ?? [];
  if (served !== undefined)
    return { shape: 'load-balancer', addresses: addressesOf(served, mesh).toSorted() };
  return entriesOf(object.status).length === 0 ? undefined : { shape: 'load-balancer', addresses: [] };
}

/** The entries of status.loadBalancer. */
export function entriesOf(status: unknown): readonly Readonly<Record<string, unknown>>[] {
  return recordsOf(recordOf(recordOf(status).loadBalancer).ingress);
}

function addressesOf({ stated, service }: ServedIngress, { services }: Mesh): readonly string[] {
  if (stated !== undefined) return stated;
  const found = services.get(service);
  if (found === undefined) return [];
  if (found.externalName !== undefined) return [found.externalName];
  // Of a Service inside the cluster the one address that it has there.
  return found.balancer ?? found.addresses.slice(0, 1);
}
