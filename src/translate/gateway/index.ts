// gateway: routes of Gateway API whose parents are Services (GAMMA), and Linkerd's HTTPRoute, which has the same shape: each
// becomes a route table for each parent. Pure. Parents that are Gateways are named as not supported yet.
import type { KindTranslator } from '../dialect.ts';
import { grpcRouteTranslator, readGrpcMatch } from './grpc-route.ts';
import { httpRouteTranslator, linkerdHttpRouteTranslator } from './http-route.ts';
import { readHttpMatch } from './matches.ts';
import { referenceGrantTranslator } from './reference-grant.ts';

export { type ParentRef, readParentRefs, serviceOf } from './parent-ref.ts';
export { readGrpcMatch, readHttpMatch };

/** The kinds of Gateway API that Weft reads. */
export const gateway: readonly KindTranslator[] = [
  httpRouteTranslator,
  grpcRouteTranslator,
  linkerdHttpRouteTranslator,
  referenceGrantTranslator,
];
