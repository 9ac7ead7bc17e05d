// gateway: Gateway API: Gateways and their classes; its routes, whose parents are Gateways or Services (GAMMA), and Linkerd's
// HTTPRoute, which has the same shape. Each route becomes a table for each Service, and for each Gateway one for each host. Pure.
import type { KindTranslator } from '../dialect.ts';
import { backendTlsPolicyTranslator } from './backend-tls-policy.ts';
import { readFilters } from './filters.ts';
import { gatewayTranslator } from './gateway.ts';
import { gatewayClassTranslator } from './gateway-class.ts';
import { grpcRouteTranslator, readGrpcMatch } from './grpc-route.ts';
import { httpRouteTranslator, linkerdHttpRouteTranslator } from './http-route.ts';
import { listenerSetTranslator, xListenerSetTranslator } from './listener-set.ts';
import { readHttpMatch } from './matches.ts';
import { referenceGrantTranslator } from './reference-grant.ts';
import { tcpRouteTranslator, tlsRouteTranslator, udpRouteTranslator } from './stream-route.ts';

export { readTargetRefs, type TargetRef } from './backend-tls-policy.ts';
export type { RouteContext } from './backends.ts';
export {
  EXPERIMENTAL_GROUP,
  GATEWAY_GROUP,
  type ParentRef,
  readParentRefs,
  serviceOf,
} from './parent-ref.ts';
export { gatewayOf, isGateway } from './parents.ts';
export { readFilters, readGrpcMatch, readHttpMatch };

/** The kinds of Gateway API that Weft reads. */
export const gateway: readonly KindTranslator[] = [
  gatewayClassTranslator,
  gatewayTranslator,
  httpRouteTranslator,
  grpcRouteTranslator,
  tlsRouteTranslator,
  tcpRouteTranslator,
  udpRouteTranslator,
  linkerdHttpRouteTranslator,
  referenceGrantTranslator,
  backendTlsPolicyTranslator,
  listenerSetTranslator,
  xListenerSetTranslator,
];
