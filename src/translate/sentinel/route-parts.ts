// Routes of a file as rules.
import type { EdgePolicy, NamedMatch, RequestMatch, RouteRule, RouteTarget } from '../../model/index.ts';
import { evenBucket } from '../even-bucket.ts';
import { given, some } from '../given.ts';
import type { BuiltinHandler, RouteConfig } from './configuration.ts';
import { BUILTIN_NAME, FILES_FIELD, upstreamHost } from './objects.ts';

/** Where load balancers and kubelets ask whether the gateway is well; no route has it. */
export const HEALTH_PATH = '/_/health';

/** Rules of routes that have been translated: those that stay the same are the same objects. */
const translated = new WeakMap<RouteConfig, readonly RouteRule[]>();

/** What a route comes to, the same objects as long as it is the same. */
export function rulesFor(route: RouteConfig): readonly RouteRule[] {
  const rules = translated.get(route) ?? rulesOf(route);
  translated.set(route, rules);
  return rules;
}

/** RouteRule.name of what answers HEALTH_PATH. */
export const HEALTH_RULE = 'sentinel-health';

/** Before all routes of every listener. */
export const healthRule: RouteRule = {
  name: HEALTH_RULE,
  path: HEALTH_PATH,
  matches: [{ request: { path: { kind: 'exact', value: HEALTH_PATH } } }],
  action: builtin('health'),
  requestHeaders: { remove: [FILES_FIELD] },
};

/** Asked of the gateway itself, which answers on loopback: what it says changes, and rules do not. */
function builtin(handler: BuiltinHandler): RouteRule['action'] {
  if (handler === 'not-found')
    return { kind: 'respond', status: 404, body: 'not found\n', contentType: 'text/plain' };
  return { kind: 'forward', targets: [target(BUILTIN_NAME)], path: { kind: 'full', value: `/${handler}` } };
}

function target(upstream: string): RouteTarget {
  return { host: upstreamHost(upstream), port: 80, weight: 1 };
}

/** A WebSocket at a route that does not say that it takes them is refused before anything else is looked at. */
function rulesOf(route: RouteConfig): readonly RouteRule[] {
  const { shadow, websocket, action } = route;
  const rules = shadow?.header ? [sampled(route, shadow.header), ruleOf(unshadowed(route))] : [ruleOf(route)];
  return websocket || action.kind !== 'upstream' ? rules : [noWebSocket(route), ...rules];
}

/** The rule for requests that a copy may be made of: those with the header. */
function sampled(route: RouteConfig, { name, value }: { name: string; value: string }): RouteRule {
  const rule = ruleOf({ ...route, matches: withHeader(route, { name, match: { kind: 'exact', value } }) });
  return { ...rule, name: `${route.id}-sampled` };
}

function unshadowed({ shadow: _, ...route }: RouteConfig): RouteConfig {
  return route;
}

/** What a route matches, of requests with a header besides. */
function withHeader({ matches }: RouteConfig, header: NamedMatch): readonly RequestMatch[] {
  const narrowed: readonly RequestMatch[] = matches.length === 0 ? [{}] : matches;
  return narrowed.map(match => ({ ...match, headers: [...(match.headers ?? []), header] }));
}

function noWebSocket(route: RouteConfig): RouteRule {
  const { id } = route;
  const upgrade = {
    name: 'upgrade',
    match: { kind: 'exact', value: 'websocket', ignoreCase: true },
  } as const;
  return {
    name: `${id}-no-websocket`,
    path: `route "${id}"`,
    matches: withHeader(route, upgrade).map(request => ({ request })),
    action: {
      kind: 'respond',
      status: 403,
      body: `route "${id}" takes no WebSockets; say websocket #true in it\n`,
      contentType: 'text/plain',
    },
  };
}

function ruleOf(route: RouteConfig): RouteRule {
  const { id, matches, action, shadow, rateLimits } = route;
  return {
    name: id,
    path: `route "${id}"`,
    matches: matches.map(request => ({ request })),
    action: actionOf(route),
    metricsName: id,
    ...given({
      timeoutMs: route.timeoutMs,
      idleTimeoutMs: route.idleTimeoutMs,
      retry: route.retry,
      requestHeaders: requestEditsOf(route),
      responseHeaders: route.responseHeaders,
      mirrors: shadow && [{ target: target(shadow.upstream), percent: shadow.percent, ...shadow.form }],
      cors: route.cors,
      session: route.session,
      rateLimits: some(
        rateLimits.map(({ perSecond, burst, status, dryRun, message }) => ({
          bucket: evenBucket(perSecond, 1_000, Math.max(1, burst)),
          matches: [],
          status,
          enabledPercent: 100,
          enforcedPercent: dryRun ? 0 : 100,
          ...given({ message }),
        })),
      ),
      edge: action.kind === 'upstream' || action.kind === 'files' ? edgeOf(route) : undefined,
    }),
  };
}

function actionOf({ action, path, authority }: RouteConfig): RouteRule['action'] {
  if (action.kind === 'redirect') return action.redirect;
  if (action.kind === 'builtin') return builtin(action.handler);
  if (action.kind === 'files')
    return { kind: 'forward', targets: [target(BUILTIN_NAME)], ...given({ path }) };
  return { kind: 'forward', targets: [target(action.upstream)], ...given({ path, authority }) };
}

/** The gateway itself is told whose files are meant by a field, which clients must not say. */
function requestEditsOf({ id, action, requestHeaders }: RouteConfig): RouteRule['requestHeaders'] {
  if (action.kind === 'files')
    return { ...requestHeaders, set: [...(requestHeaders?.set ?? []), [FILES_FIELD, id]] };
  if (action.kind !== 'builtin') return requestHeaders;
  return { ...requestHeaders, remove: [...(requestHeaders?.remove ?? []), FILES_FIELD] };
}

function edgeOf(route: RouteConfig): EdgePolicy {
  const { maxBodyBytes, clientLimits, underWay, fields, compression, errorPages } = route;
  return {
    body: { maxBytes: maxBodyBytes },
    ...given({
      clientLimits: some(clientLimits),
      clientConnections: some(underWay),
      fields,
      compression,
      // A file that is not there is the gateway's own error, too.
      errorPages:
        route.action.kind === 'files' ? errorPages?.map(({ ownOnly: _, ...page }) => page) : errorPages,
    }),
  };
}
