import type { ObjectRef, RequestMatch, ServerRoute, ServerRouteMatch } from '../../model/index.ts';
import { recordsOf } from '../../plain/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import { type Fields, fieldsOf } from '../fields.ts';
import {
  type RouteContext,
  readFilters,
  readGrpcMatch,
  readHttpMatch,
  readParentRefs,
} from '../gateway/index.ts';
import { given } from '../given.ts';
import type { Part } from '../part.ts';
import { Report } from '../report.ts';

const LINKERD = 'policy.linkerd.io';
const GATEWAY = 'gateway.networking.k8s.io';

type ReadMatch = (match: Fields, report: Report) => RequestMatch;

/**
 * Routes whose parents are Servers: requests that are authorized apart, and the only ones that such a Server takes. What they say
 * for Services is gateway/'s.
 */
export const serverRouteTranslators: readonly KindTranslator[] = [
  routeTranslator(LINKERD, 'HTTPRoute', readHttpMatch),
  routeTranslator(GATEWAY, 'HTTPRoute', readHttpMatch),
  routeTranslator(GATEWAY, 'GRPCRoute', (match, report) => readGrpcMatch(match, report).request ?? {}),
];

function routeTranslator(group: string, kind: string, read: ReadMatch): KindTranslator {
  return {
    kind: `${kind}.${group}`,
    translate: (...given) => translateRoute(group, kind, read, ...given),
    closed: (object, _context, from) => closedRoute(object, group, kind, from),
  };
}

function translateRoute(
  group: string,
  kind: string,
  read: ReadMatch,
  object: KubeObject,
  { clusterDomain }: TranslateContext,
  report: Report,
): readonly Part[] {
  if (!recordsOf((object.spec as { parentRefs?: unknown } | undefined)?.parentRefs).some(isServerRef))
    return [];
  const spec = fieldsOf(object, 'spec', report);
  const servers = serversOf(spec, object, report);
  const hosts = spec.texts('hostnames').map(each => each.toLowerCase());
  const { name, namespace = '' } = object.metadata;
  const context: RouteContext = { report, group, kind, namespace, name, clusterDomain };
  const matches = spec.objects('rules').flatMap(rule => readRule(rule, read, context));
  if (report.refused) return [];
  return [partOf(object, group, kind, { servers, hosts, matches, from: report.object })];
}

/** In place of one that cannot be read: its Servers still take only what routes match, and it matches nothing. */
function closedRoute(object: KubeObject, group: string, kind: string, from: ObjectRef): readonly Part[] {
  const unheard = new Report(from);
  const servers = serversOf(fieldsOf(object, 'spec', unheard), object, unheard);
  return servers.length === 0 ? [] : [partOf(object, group, kind, { servers, hosts: [], matches: [], from })];
}

function partOf(
  { metadata }: KubeObject,
  group: string,
  kind: string,
  said: Omit<ServerRoute, 'is' | 'namespace' | 'key'>,
): Part {
  const { name, namespace = '', creationTimestamp: createdAt = '' } = metadata;
  const policy: ServerRoute = { is: 'route', namespace, key: `${group}/${kind}/${name}`, ...said };
  return { kind: 'policy', of: 'serverPolicies', policy, createdAt };
}

function isServerRef({ kind, group }: { readonly kind?: unknown; readonly group?: unknown }): boolean {
  return kind === 'Server' && group === LINKERD;
}

function serversOf(spec: Fields, { metadata }: KubeObject, report: Report): readonly string[] {
  const namespace = metadata.namespace ?? '';
  return readParentRefs(spec, namespace)
    .filter(isServerRef)
    .flatMap(ref => {
      if (ref.namespace === namespace) return ref.name === '' ? [] : [ref.name];
      const words = 'a route speaks of Servers of its own namespace; it has no effect there';
      report.warn('parent-not-supported', ref.path, `${ref.path}: ${words}`);
      return [];
    });
}

/** Filters that a Server carries out; with any other the route is refused. */
const filterTypes = ['RequestHeaderModifier', 'ResponseHeaderModifier', 'RequestRedirect'];

/** Without matches a rule is for everything. */
function readRule(rule: Fields, read: ReadMatch, context: RouteContext): readonly ServerRouteMatch[] {
  const { report } = context;
  for (const name of ['name', 'backendRefs', 'timeouts', 'retry', 'sessionPersistence']) rule.pass(name);
  const requests = rule.objects('matches').map(each => {
    const match = read(each, report);
    if (match.query) {
      const path = each.at('queryParams');
      report.error(
        'field-not-supported',
        path,
        `${path}: who may call cannot depend on the query; match the path`,
      );
    }
    return match;
  });
  const all = requests.length === 0 ? [{}] : requests;
  const { requestHeaders, responseHeaders, redirect } = readFilters(
    rule,
    prefixOf(all),
    context,
    filterTypes,
  );
  rule.refuseRest();
  const filters = given({ requestHeaders, responseHeaders, redirect });
  return all.map(request => ({ request, ...filters }));
}

/** What a redirect may replace: the prefix of the only match. */
function prefixOf([first, ...more]: readonly RequestMatch[]): string | undefined {
  if (more.length > 0 || (first?.path && first.path.kind !== 'segments')) return undefined;
  return first?.path?.value ?? '';
}
