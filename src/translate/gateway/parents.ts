import { type GatewayAttachment, listenerSetKey, type RouteTable } from '../../model/index.ts';
import type { TranslateContext } from '../dialect.ts';
import type { Fields } from '../fields.ts';
import { given } from '../given.ts';
import type { Report } from '../report.ts';
import {
  EXPERIMENTAL_GROUP,
  GATEWAY_GROUP,
  type ParentRef,
  readParentRefs,
  serviceOf,
} from './parent-ref.ts';

/** A Service that a route is for: what of its tables follows from that. */
export interface Parent extends Pick<RouteTable, 'host' | 'visibleTo' | 'port'> {
  readonly namespace: string;
}

/** What a route is attached to. */
export interface Parents {
  readonly services: readonly Parent[];
  readonly gateways: readonly Omit<GatewayAttachment, 'host' | 'kind'>[];
}

/**
 * The Services and Gateways that the route is attached to. Routes beside a Service (its producer's) hold for every caller; those
 * of another namespace (a consumer's) only for callers of that namespace. Every other parent is named.
 */
export function readParents(
  spec: Fields,
  namespace: string,
  context: TranslateContext,
  report: Report,
): Parents {
  const refs = readParentRefs(spec, namespace);
  if (refs.length === 0)
    report.warn(
      'parent-not-supported',
      'spec.parentRefs',
      'spec.parentRefs is empty, so that the route has no effect; name a Gateway or a Service',
    );
  const gateways = refs.filter(isGateway).map(ref => ({
    gateway: gatewayOf(ref),
    ...given({ section: ref.sectionName, port: ref.port }),
  }));
  const services = refs.flatMap(ref => {
    if (isGateway(ref)) return [];
    // Who may call a Server is linkerd/'s.
    if (ref.kind === 'Server' && ref.group === 'policy.linkerd.io') return [];
    if (ref.name === '') report.error('field-invalid', `${ref.path}.name`, `${ref.path}.name is missing`);
    const host = serviceOf(ref, context.clusterDomain);
    const why = host === undefined ? whyNot(ref) : ref.sectionName === undefined ? undefined : bySection(ref);
    if (host === undefined || why !== undefined) {
      report.warn('parent-not-supported', ref.path, `${ref.path}: ${why}`);
      return [];
    }
    return [
      {
        host,
        namespace: ref.namespace,
        ...(ref.namespace !== namespace && { visibleTo: [namespace] }),
        ...(ref.port !== undefined && { port: ref.port }),
      },
    ];
  });
  return { services, gateways };
}

/** Whether the parent is a Gateway of Gateway API, or a ListenerSet of one. */
export function isGateway(ref: ParentRef): boolean {
  const { group, kind, name } = ref;
  return ((kind === 'Gateway' && group === GATEWAY_GROUP) || isListenerSet(ref)) && name !== '';
}

function isListenerSet({ group, kind }: ParentRef): boolean {
  return kind === 'ListenerSet'
    ? group === GATEWAY_GROUP
    : kind === 'XListenerSet' && group === EXPERIMENTAL_GROUP;
}

/** GatewayAttachment.gateway of such a parent. */
export function gatewayOf(ref: ParentRef): string {
  return isListenerSet(ref) ? listenerSetKey(ref.namespace, ref.name) : `${ref.namespace}/${ref.name}`;
}

function whyNot({ group, kind, name }: ParentRef): string {
  if (kind === 'Service')
    return `a Service is of the core group and not of ${group}; write group: "" for the route to have an effect`;
  const named = group === '' ? kind : `${kind}.${group}`;
  return `a ${named} cannot be a parent; the route has no effect at ${name}. Name a Gateway or a Service`;
}

function bySection({ sectionName }: ParentRef): string {
  return `a port by its name (sectionName: ${sectionName}) is not supported yet, so that this parent has no effect; write port: and its number`;
}
