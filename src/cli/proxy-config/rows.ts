// What is shown of a proxy: rows out of what it tells, those that filters leave.
import { type DestinationResource, formatAddress, type Route } from '../../model/index.ts';
import type { ConfigDump, DirectedCluster, EndpointDump } from './dump.ts';

/** Which rows are meant; what is undefined leaves all. */
export interface Filters {
  /** Part of the host: `reviews`, `reviews.shop.svc.cluster.local`. */
  readonly host?: string;
  readonly port?: number;
  /** Part of the name of a cluster, route or listener. */
  readonly name?: string;
  /** State of an endpoint. */
  readonly status?: EndpointState;
}

/** How an endpoint is. */
export const ENDPOINT_STATES = ['healthy', 'half-open', 'ejected', 'draining'] as const;

/** One of ENDPOINT_STATES. */
export type EndpointState = (typeof ENDPOINT_STATES)[number];

/** A route of a destination, with its place: the first that matches decides. */
export interface RouteRow {
  readonly destination: string;
  readonly port: number;
  readonly place: number;
  readonly route: Route;
}

/** An endpoint in its cluster. */
export interface EndpointRow extends EndpointDump {
  readonly cluster: string;
  readonly direction: DirectedCluster['direction'];
  readonly state: EndpointState;
  readonly core?: number;
}

/** The clusters that are meant. */
export function clustersOf(all: readonly DirectedCluster[], filters: Filters): readonly DirectedCluster[] {
  return all.filter(
    ({ name, service }) =>
      includes(name, filters.name) &&
      (includes(service, filters.host) || includes(name, filters.host)) &&
      (filters.port === undefined || portOf(name) === filters.port),
  );
}

/** Their endpoints. A cluster that none is left of has no row. */
export function endpointsOf(all: readonly DirectedCluster[], filters: Filters): readonly EndpointRow[] {
  return clustersOf(all, filters).flatMap(({ name, direction, core, endpoints }) =>
    endpoints
      .map((each): EndpointRow => {
        const where = { cluster: name, direction, state: stateOf(each) };
        return { ...where, ...(core !== undefined && { core }), ...each };
      })
      .filter(({ state }) => filters.status === undefined || state === filters.status),
  );
}

/** What the app has called so far. */
export function destinationsOf(
  { destinations }: ConfigDump,
  { host, port }: Filters,
): readonly DestinationResource[] {
  return destinations.filter(
    each =>
      (includes(each.host, host) || includes(each.key, host)) && (port === undefined || each.port === port),
  );
}

/** Their routes, in the order in which they are tried. */
export function routesOf(dump: ConfigDump, filters: Filters): readonly RouteRow[] {
  return destinationsOf(dump, filters).flatMap(({ host, port, key, routes }) =>
    routes
      .map((route, place) => ({
        destination: host === '' ? key : formatAddress(host, port),
        port,
        place,
        route,
      }))
      .filter(({ route }) => includes(route.name, filters.name)),
  );
}

function stateOf({ health }: EndpointDump): EndpointState {
  return typeof health === 'string' ? health : 'ejected';
}

function includes(text: string, part: string | undefined): boolean {
  return part === undefined || text.includes(part);
}

/** `reviews.shop.svc.cluster.local:80/v1` → 80 */
function portOf(cluster: string): number {
  return Number(/:(\d{1,5})(?:\/|$)/.exec(cluster)?.[1]);
}
