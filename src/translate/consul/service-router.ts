import type { PathRewrite, RouteRule } from '../../model/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import { type Fields, fieldsOf } from '../fields.ts';
import { given } from '../given.ts';
import type { Part } from '../part.ts';
import type { Report } from '../report.ts';
import { CHAIN_RANKS, CHAIN_TABLE } from './chain.ts';
import { readHeaders } from './header-edits.ts';
import { type HttpMatch, readHttpMatch } from './http-match.ts';
import { readRetry } from './retries.ts';
import { type OwnService, ownService, readTarget } from './service-name.ts';

/**
 * consul.hashicorp.com ServiceRouter: the first route that matches a request of its Service decides; what none matches goes to
 * the Service itself. Destinations go through the splitter and the resolver of the Service that they name.
 */
export const serviceRouterTranslator: KindTranslator = {
  kind: 'ServiceRouter.consul.hashicorp.com',
  translate: translateRouter,
};

function translateRouter(object: KubeObject, context: TranslateContext, report: Report): readonly Part[] {
  const { creationTimestamp: createdAt = '' } = object.metadata;
  const own = ownService(object, context);
  const spec = fieldsOf(object, 'spec', report);
  const http = spec.objects('routes').flatMap((route, index) => {
    return readRoute(route, `${own.name}-${index}`, own, context, report) ?? [];
  });
  spec.rest();
  if (report.refused) return [];
  const { host } = own;
  const { object: from } = report;
  const action = { kind: 'forward', targets: [{ host, weight: 1 }] } as const;
  const rest: RouteRule = { name: own.name, path: 'spec.routes', matches: [], action };
  const table = {
    host,
    http: [...http, rest],
    tcp: [],
    ...CHAIN_TABLE,
    rank: CHAIN_RANKS.router,
    from,
    createdAt,
  };
  return [{ kind: 'route-table', table, chain: 'consul' }];
}

function readRoute(
  route: Fields,
  name: string,
  own: OwnService,
  context: TranslateContext,
  report: Report,
): RouteRule | undefined {
  const match = route.object('match');
  const http = match?.object('http');
  const condition = http ? readHttpMatch(http, report) : { matches: [] };
  match?.refuseRest();
  const destination = route.object('destination');
  const target = readTarget(destination, own, context, report);
  const rewrite = destination && readRewrite(destination, condition, report);
  const settings = destination && readSettings(destination, report);
  destination?.rest();
  route.rest();
  if (!target) return undefined;
  const action = {
    kind: 'forward',
    targets: [{ ...target, weight: 1 }],
    ...(rewrite && { path: rewrite }),
  } as const;
  return { name, path: route.path, matches: condition.matches, action, ...settings };
}

function readSettings(destination: Fields, report: Report): Partial<RouteRule> {
  return given({
    timeoutMs: destination.duration('requestTimeout') || undefined,
    idleTimeoutMs: destination.duration('idleTimeout') || undefined,
    retry: readRetry(destination, report),
    ...readHeaders(destination, report),
  });
}

/** Replaces what the path's prefix matched, or the whole of an exact path. */
function readRewrite(destination: Fields, { path }: HttpMatch, report: Report): PathRewrite | undefined {
  const value = destination.text('prefixRewrite');
  if (!value) return undefined;
  if (path?.kind === 'exact') return { kind: 'full', value };
  if (path?.kind === 'prefix') return { kind: 'prefix', matched: path.value, value };
  const where = destination.at('prefixRewrite');
  const message = `${where} needs pathPrefix or pathExact in the route's match, to know what it replaces`;
  report.error('field-invalid', where, message);
  return undefined;
}
