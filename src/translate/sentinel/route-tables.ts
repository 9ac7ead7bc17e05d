// Routes of a file as tables: one for each listener, because each may have a route for what no other takes; of a listener with
// very many hosts one for each host, so that a change of a route is a change of its hosts alone, all the way to the proxy.
import { equal, type ObjectRef, ROUTE_RANKS, type RouteRule } from '../../model/index.ts';
import { gatewayTables } from '../gateway-tables.ts';
import type { Part } from '../part.ts';
import type { RouteConfig, SentinelConfiguration } from './configuration.ts';
import type { PartPlace } from './gateway-parts.ts';
import { SENTINEL_NAME } from './objects.ts';
import { healthRule, rulesFor } from './route-parts.ts';

/** With fewer hosts of their own routes stand in one table, whose matcher has an index of hosts as well. */
const FEW_HOSTS = 100;

/** The tables of all listeners. */
export function routeParts({ listeners, routes }: SentinelConfiguration, place: PartPlace): readonly Part[] {
  const tables = new Tables(place);
  const parts = listeners.flatMap(listener => {
    const { id, routes: served, defaultRoute } = listener;
    const own = served === undefined ? routes : routes.filter(each => served.has(each.id));
    const fallback = defaultRoute && routes.find(each => each.id === defaultRoute);
    const all = fallback ? [...own, unconditional(fallback)] : own;
    const byHost = routesByHost(all) ?? new Map([['*', all]]);
    return [...byHost].flatMap(([host, its]) => tables.of(id, host, its));
  });
  tables.done();
  return parts;
}

/** Default routes with the conditions taken away, by what they are made of. */
const defaults = new WeakMap<RouteConfig, RouteConfig>();

function unconditional(route: RouteConfig): RouteConfig {
  const known = defaults.get(route) ?? { ...route, matches: [] };
  defaults.set(route, known);
  return known;
}

/** The exact hosts that a route is for; undefined where it is for others, too. */
const exactHosts = new WeakMap<RouteConfig, readonly string[] | 'any'>();

function hostsOf(route: RouteConfig): readonly string[] | 'any' {
  let known = exactHosts.get(route);
  if (known === undefined) {
    const hosts = route.matches.map(({ authority }) =>
      authority?.kind === 'exact' ? authority.value.toLowerCase() : undefined,
    );
    const isExact = hosts.length > 0 && hosts.every(each => each !== undefined && mayBeTable(each));
    known = isExact ? [...new Set(hosts as string[])] : 'any';
    exactHosts.set(route, known);
  }
  return known;
}

/** What a table of a gateway is found by: a name without a port, an end that is a point, or brackets. */
function mayBeTable(host: string): boolean {
  return /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/.test(host);
}

/**
 * Routes by the host that they are for, those for any host in each, in the order in which they are tried; `*` is for all other
 * hosts. Undefined where that is worth nothing, would make many copies, or where a route in several tables counts its requests,
 * which each table does for itself.
 */
function routesByHost(
  routes: readonly RouteConfig[],
): ReadonlyMap<string, readonly RouteConfig[]> | undefined {
  if (routes.length < FEW_HOSTS) return undefined;
  const byHost = new Map<string, RouteConfig[]>();
  const anywhere: RouteConfig[] = [];
  for (const route of routes) {
    const hosts = hostsOf(route);
    const isOnce = hosts !== 'any' && hosts.length === 1;
    if (!isOnce && route.rateLimits.length > 0) return undefined;
    if (hosts === 'any') anywhere.push(route);
    else for (const host of hosts) addTo(byHost, host, route);
  }
  if (byHost.size < FEW_HOSTS || anywhere.length * byHost.size > routes.length) return undefined;
  if (anywhere.length > 0) {
    // By their places: what is for any host stands between the others.
    byHost.clear();
    for (const route of routes) {
      const hosts = hostsOf(route);
      if (hosts !== 'any') for (const host of hosts) addTo(byHost, host, route);
      else for (const host of allHosts(routes)) addTo(byHost, host, route);
    }
  }
  return byHost.set('*', anywhere);
}

function* allHosts(routes: readonly RouteConfig[]): Iterable<string> {
  for (const host of new Set(routes.flatMap(each => hostsOf(each)))) if (host !== 'any') yield host;
}

function addTo(byHost: Map<string, RouteConfig[]>, host: string, route: RouteConfig): void {
  const list = byHost.get(host);
  if (list === undefined) byHost.set(host, [route]);
  else list.push(route);
}

/** A table that was made, and of what. */
interface KnownTable {
  readonly routes: readonly RouteConfig[];
  readonly from: ObjectRef;
  readonly parts: readonly Part[];
}

/** Those of the last file, by where they stand: of what is the same the same parts are handed on. */
let last: ReadonlyMap<string, KnownTable> = new Map();

/** Tables of one file. */
class Tables {
  readonly #place: PartPlace;
  readonly #made = new Map<string, KnownTable>();

  constructor(place: PartPlace) {
    this.#place = place;
  }

  /** All are made: what is asked for next is likely the same. */
  done(): void {
    last = this.#made;
  }

  of(listener: string, host: string, routes: readonly RouteConfig[]): readonly Part[] {
    const { namespace, from } = this.#place;
    const key = `${namespace}/${listener}/${host}`;
    const before = last.get(key);
    const goesOn = before !== undefined && (before.from === from || equal(before.from, from));
    const isSame = (route: RouteConfig, index: number): boolean => route === before?.routes[index];
    if (goesOn && before.routes.length === routes.length && routes.every(isSame)) {
      this.#made.set(key, before);
      return before.parts;
    }
    const http = [healthRule, ...routes.flatMap(route => rulesFor(route))];
    const parts = partsOf(listener, host, http, this.#place);
    // The word that there is a table for the host is the same whatever stands in it.
    const known = goesOn
      ? parts.map((part, index) => (part.kind === 'policy' ? before.parts[index]! : part))
      : parts;
    this.#made.set(key, { routes, from, parts: known });
    return known;
  }
}

function partsOf(
  section: string,
  host: string,
  http: readonly RouteRule[],
  { namespace, from }: PartPlace,
): readonly Part[] {
  return gatewayTables({
    attachment: { gateway: `${namespace}/${SENTINEL_NAME}`, section, kind: 'http' },
    hosts: [host],
    namespace,
    table: {
      http,
      tcp: [],
      // The order is the file's own; tables of several listeners are not joined, since each names its section.
      combine: 'oldest-first',
      unmatched: 'not-found',
      rank: ROUTE_RANKS.sentinel,
      from,
      createdAt: '',
    },
  });
}
