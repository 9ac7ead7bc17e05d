import { type PathMatch, ROUTE_RANKS, type RuleMatch } from '../../model/index.ts';
import type { KindTranslator } from '../dialect.ts';
import type { Fields } from '../fields.ts';
import { some } from '../given.ts';
import type { Report } from '../report.ts';
import { isRegex } from '../text-match.ts';
import { readHeaders } from './matches.ts';
import { GATEWAY_GROUP } from './parent-ref.ts';
import { type RouteKind, translateRoute } from './route.ts';
import type { RuleShape } from './rules.ts';

const grpcRoute: RouteKind = {
  group: GATEWAY_GROUP,
  kind: 'GRPCRoute',
  rank: ROUTE_RANKS.gatewayGrpc,
  shape: grpcShape,
  attached: 'grpc',
  isLinkerd: false,
};

/** gateway.networking.k8s.io GRPCRoute, v1alpha2 and v1. A call of gRPC is a POST of /service/method. */
export const grpcRouteTranslator: KindTranslator = {
  kind: 'GRPCRoute.gateway.networking.k8s.io',
  translate: (object, context, report) => translateRoute(grpcRoute, object, context, report),
};

function grpcShape(report: Report): RuleShape {
  return {
    match: match => readGrpcMatch(match, report),
    prefix: () => undefined,
    filters: ['RequestHeaderModifier', 'ResponseHeaderModifier', 'RequestMirror', 'ExtensionRef'],
  };
}

/** The conditions of one GRPCRouteMatch; empty for one that every call satisfies. */
export function readGrpcMatch(match: Fields, report: Report): RuleMatch {
  const path = readMethod(match.object('method'), report);
  const headers = some(readHeaders(match, report));
  match.refuseRest();
  if (!path && !headers) return {};
  return {
    request: {
      ...(path && { path, method: { kind: 'exact' as const, value: 'POST' } }),
      ...(headers && { headers }),
    },
  };
}

/** An absent service or method stands for any. */
function readMethod(method: Fields | undefined, report: Report): PathMatch | undefined {
  if (!method) return undefined;
  const type = method.choice('type', ['Exact', 'RegularExpression']) ?? 'Exact';
  const service = method.text('service') ?? '';
  const name = method.text('method') ?? '';
  method.refuseRest();
  if (service === '' && name === '') {
    report.error('field-invalid', method.path, `${method.path} names neither service nor method; name one`);
    return undefined;
  }
  if (type === 'RegularExpression') {
    isRegex(service, method.at('service'), report);
    isRegex(name, method.at('method'), report);
    return { kind: 'regex', value: `/(${service || '[^/]+'})/(${name || '[^/]+'})` };
  }
  for (const [field, value] of Object.entries({ service, method: name })) {
    if (!/^[A-Za-z0-9_.]*$/.test(value))
      report.error(
        'field-invalid',
        method.at(field),
        `${method.at(field)}: '${value}' is no name of a gRPC ${field}`,
      );
  }
  if (service === '') return { kind: 'regex', value: `/[^/]+/${name}` };
  return name === ''
    ? { kind: 'prefix', value: `/${service}/` }
    : { kind: 'exact', value: `/${service}/${name}` };
}
