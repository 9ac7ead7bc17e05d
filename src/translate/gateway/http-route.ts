import { ROUTE_RANKS, type RuleMatch } from '../../model/index.ts';
import type { KindTranslator } from '../dialect.ts';
import type { Report } from '../report.ts';
import { readHttpMatch } from './matches.ts';
import { GATEWAY_GROUP } from './parent-ref.ts';
import { type RouteKind, translateRoute } from './route.ts';
import type { RuleShape } from './rules.ts';

const httpRoute: RouteKind = {
  group: GATEWAY_GROUP,
  kind: 'HTTPRoute',
  rank: ROUTE_RANKS.gateway,
  shape: httpShape,
  attached: 'http',
  isLinkerd: false,
};

/** gateway.networking.k8s.io HTTPRoute, v1alpha2, v1beta1 and v1. */
export const httpRouteTranslator: KindTranslator = {
  kind: 'HTTPRoute.gateway.networking.k8s.io',
  translate: (...given) => translateRoute(httpRoute, ...given),
};

/** policy.linkerd.io HTTPRoute: the same shape, joined with Gateway API's own as Linkerd does it. */
export const linkerdHttpRouteTranslator: KindTranslator = {
  kind: 'HTTPRoute.policy.linkerd.io',
  translate: (...given) =>
    translateRoute({ ...httpRoute, group: 'policy.linkerd.io', isLinkerd: true }, ...given),
};

function httpShape(report: Report): RuleShape {
  return {
    match: match => {
      const request = readHttpMatch(match, report);
      return Object.keys(request).length === 0 ? {} : { request };
    },
    prefix: prefixOf,
  };
}

function prefixOf(matches: readonly RuleMatch[]): string | undefined {
  if (matches.length === 0) return '';
  const path = matches[0]!.request?.path;
  if (matches.length > 1 || (path && path.kind !== 'segments')) return undefined;
  return path?.value ?? '';
}
