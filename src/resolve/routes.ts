import {
  equal,
  NO_ROUTE,
  type ObjectRef,
  type Redirect,
  type Route,
  type RouteAction,
  type RouteRule,
  type RouteTable,
} from '../model/index.ts';
import { withoutOrigin } from './refs.ts';
import type { CallerRule } from './rules.ts';
import type { Clusters, RoutedHost } from './targets.ts';
import type { Traffic } from './traffic.ts';

/** Everything that the routes of a destination are made of. */
export interface RouteSources {
  readonly rules: readonly CallerRule[];
  /** Says what happens to requests that no rule matches; undefined where there is no table. */
  readonly table: RouteTable | undefined;
  readonly routed: RoutedHost;
  /** What policies say about the destination as a whole. */
  readonly traffic: Traffic;
  readonly clusters: Clusters;
}

/** The routes in order, with one at the end that matches everything. Rules that no request can reach are left out. */
export function routesOf(sources: RouteSources): readonly Route[] {
  const names = new Map<string, number>();
  const routes: Route[] = [];
  for (const rule of sources.rules) {
    routes.push(routeOf(rule, uniqueName(rule.rule.name, names), sources));
    if (rule.matches.length === 0) return routes;
  }
  return [...routes, lastRoute(sources)];
}

function uniqueName(name: string, names: Map<string, number>): string {
  const uses = (names.get(name) ?? 0) + 1;
  names.set(name, uses);
  return uses === 1 ? name : `${name}~${uses}`;
}

function lastRoute({ table, routed, traffic }: RouteSources): Route {
  const settings = {
    timeoutMs: traffic.timeoutMs,
    idleTimeoutMs: traffic.streamIdleTimeoutMs,
    retry: traffic.retry,
  };
  if (routed.cluster !== undefined && table?.unmatched !== 'not-found') {
    return {
      name: 'default',
      ...(traffic.routeFrom && { from: withoutOrigin(traffic.routeFrom) }),
      action: { kind: 'forward', clusters: [{ cluster: routed.cluster, weight: 1 }] },
      ...settings,
    };
  }
  return {
    name: NO_ROUTE,
    ...(table && table.from.name !== '' && { from: withoutOrigin(table.from) }),
    action: { kind: 'respond', status: 404, body: '', contentType: '' },
    ...settings,
  };
}

/** The last route of each rule, with what it was made of beside the rule: of a table's thousands a change concerns few. */
interface KnownRoute {
  readonly name: string;
  readonly from: ObjectRef;
  readonly sources: unknown;
  readonly matches: CallerRule['matches'];
  readonly route: Route;
}

const knownRoutes = new WeakMap<RouteRule, KnownRoute>();

/** The same object as before where it says the same. */
function routeOf({ table, rule, matches }: CallerRule, name: string, sources: RouteSources): Route {
  const { timeoutMs, streamIdleTimeoutMs, retry } = sources.traffic;
  const from = rule.from ?? table.from;
  const mirrors = rule.mirrors && sources.clusters.mirrors(rule.mirrors, sources.routed);
  const action = actionOf(rule, sources, answersInvalid(from));
  const made = { timeoutMs, streamIdleTimeoutMs, retry, action, mirrors };
  const last = knownRoutes.get(rule);
  const isSame = last?.name === name && last.matches === matches && equal(last.from, from);
  if (isSame && equal(last.sources, made)) return last.route;
  const route: Route = {
    name,
    from: withoutOrigin(from),
    ...(matches.length > 0 && { matches }),
    action,
    timeoutMs: rule.timeoutMs ?? timeoutMs,
    idleTimeoutMs: rule.idleTimeoutMs ?? streamIdleTimeoutMs,
    retry: { ...retry, ...rule.retry },
    ...(mirrors && mirrors.length > 0 && { mirrors }),
    ...plain(rule),
  };
  knownRoutes.set(rule, { name, from, sources: made, matches, route });
  return route;
}

/** Gateway API's HTTPBackendRef: the share of an invalid reference MUST be answered 500. Linkerd's HTTPRoute is made after it. */
export function answersInvalid({ apiVersion }: ObjectRef): boolean {
  return apiVersion.startsWith('gateway.networking.k8s.io/') || apiVersion.startsWith('policy.linkerd.io/');
}

function actionOf(
  { action, retryBudget }: RouteRule,
  { clusters, routed }: RouteSources,
  tellInvalid: boolean,
): RouteAction {
  if (action.kind === 'redirect') return redirectOf(action, routed.port);
  if (action.kind !== 'forward') return action;
  const { targets, ...rest } = action;
  return { ...rest, clusters: clusters.weighted(targets, routed, { budget: retryBudget, tellInvalid }) };
}

/** Envoy does not know the port of a request either: as in Istio it is the one that routes are made for. */
function redirectOf({ fromRequestPort, ...redirect }: Redirect, port: number): Redirect {
  return fromRequestPort ? { ...redirect, port } : redirect;
}

/** What goes into the route as it stands. */
function plain(rule: RouteRule): Partial<Route> {
  const {
    requestHeaders,
    responseHeaders,
    fault,
    cors,
    session,
    responseClasses,
    metricsName,
    traceSampling,
    edge,
  } = rule;
  const rateLimits = rule.rateLimits?.map(each =>
    each.from ? { ...each, from: withoutOrigin(each.from) } : each,
  );
  return {
    ...(requestHeaders && { requestHeaders }),
    ...(responseHeaders && { responseHeaders }),
    ...(fault && { fault }),
    ...(cors && { cors }),
    ...(session && { session }),
    ...(rateLimits && { rateLimits }),
    ...(responseClasses && { responseClasses }),
    ...(metricsName !== undefined && { metricsName }),
    ...(traceSampling !== undefined && { traceSampling }),
    ...(edge && { edge }),
  };
}
