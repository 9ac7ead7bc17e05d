// smi: the Service Mesh Interface's objects as parts of the mesh. Pure. TrafficSplits share the traffic of a root Service, for
// all requests or for those of an HTTPRouteGroup; access control is named as not supported. docs/policies/smi.md lists every
// field.
import type { KindTranslator } from '../dialect.ts';
import { notSupported } from '../not-supported.ts';
import { httpRouteGroupTranslator } from './http-route-group.ts';
import { trafficSplitTranslator } from './traffic-split.ts';

const onlyForAccess =
  'only TrafficTargets name it, and these are not supported; TrafficSplits name HTTPRouteGroups';

/** The kinds of SMI that Weft reads. */
export const smi: readonly KindTranslator[] = [
  trafficSplitTranslator,
  httpRouteGroupTranslator,
  notSupported(
    'TrafficTarget.access.smi-spec.io',
    'it says who may call whom, and Weft does not authorize requests yet; nobody is refused because of it',
  ),
  notSupported('TCPRoute.specs.smi-spec.io', onlyForAccess),
  notSupported('UDPRoute.specs.smi-spec.io', onlyForAccess),
];
