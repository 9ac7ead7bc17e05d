import {
  type DestinationResource,
  type HostPort,
  isIpAddress,
  type Mesh,
  parseHostPort,
  parseVirtualHostKey,
  type Route,
  type Service,
} from '../model/index.ts';
import type { Caller } from './caller.ts';
import { formatClusterName } from './cluster-name.ts';
import { egressScopeOf, refusalOf } from './egress.ts';
import { type CallerView, type Found, find, searchList } from './find.ts';
import { balancedRoute } from './headless.ts';
import { MeshReader, type Resolved } from './mesh-reader.ts';
import { routesOf } from './routes.ts';
import { callerRules } from './rules.ts';
import { streamsOf } from './streams.ts';
import { type ChosenTables, chooseTables } from './tables.ts';
import { Clusters, nameOfFound, type RoutedHost, used } from './targets.ts';
import { resolveTraffic } from './traffic.ts';
import { resolveVirtualHost } from './virtual-host.ts';

/** How `caller` reaches what `key` names (see DestinationResource.key). What nobody knows is `unknown`, never an error. */
export function resolveDestination(mesh: Mesh, caller: Caller, key: string): Resolved<DestinationResource> {
  const reader = new MeshReader(mesh);
  const view: CallerView = { reader, caller, scope: egressScopeOf(reader, caller) };
  const host = parseVirtualHostKey(key);
  if (host !== undefined) return { resource: resolveVirtualHost(view, key, host), facts: reader.facts };
  const meaning = meaningOf(view, key);
  const resource = meaning ? known(view, key, meaning) : unknown(view, key);
  return { resource, facts: reader.facts };
}

/** What a key means to a caller, and which tables speak of it. */
export interface Meaning {
  readonly found: DestinationResource['found'];
  /** Undefined where only tables know the host, or for the address of no Service. */
  readonly service: Service | undefined;
  readonly protocol: DestinationResource['protocol'];
  readonly routed: RoutedHost;
  /** As it was called. */
  readonly called: HostPort;
  readonly tables: ChosenTables;
}

/** Undefined for what the caller's mesh knows nothing of. */
export function meaningOf(view: CallerView, key: string): Meaning | undefined {
  const called = parseHostPort(key);
  if (!called) return undefined;
  const found = find(view, called);
  if (found.kind === 'unknown') return namedByTables(view, called);
  return found.kind === 'service' ? ofService(view, called, found) : ofAddress(view, called, found);
}

function ofService(view: CallerView, called: HostPort, found: Extract<Found, { kind: 'service' }>): Meaning {
  const { service, port, direct } = found;
  const { host } = nameOfFound(found);
  const cluster = formatClusterName(
    direct
      ? { kind: 'backing', host, port: port.number, direct }
      : { kind: 'service', host, port: port.number },
  );
  return {
    found: 'service',
    service,
    protocol: port.protocol,
    routed: { host, port: port.number, cluster },
    called,
    tables: tablesOf(view, found, host),
  };
}

/** Rules for another name of the Service hold for who calls it by that; those of the Service itself where it has none. */
function tablesOf(
  view: CallerView,
  { service, port, alias }: Extract<Found, { kind: 'service' }>,
  host: string,
): ChosenTables {
  const own = chooseTables(view, host, port.number, service.namespace);
  if (!alias) return own;
  const named = chooseTables(view, alias.host, port.number, alias.namespace);
  return {
    http: named.http.length > 0 ? named.http : own.http,
    tcp: named.tcp.length > 0 ? named.tcp : own.tcp,
  };
}

/** Without a virtual address a headless Service is called by its pods' addresses, so that its tables hold for these too. */
function ofAddress(view: CallerView, called: HostPort, found: Extract<Found, { kind: 'direct' }>): Meaning {
  const { direct, backed } = found;
  const service = backed?.service;
  const [host, port] = backed ? [backed.service.host, backed.port.number] : [direct.host, direct.port];
  const cluster = formatClusterName(
    backed ? { kind: 'backing', host, port, direct } : { kind: 'direct', direct },
  );
  return {
    found: 'workload',
    service,
    protocol: backed?.port.protocol ?? 'auto',
    routed: { host, port, cluster },
    called,
    tables: service?.headless ? chooseTables(view, host, port, service.namespace) : { http: [], tcp: [] },
  };
}

/** Hosts that are no Service: rules may send their requests to some. */
function namedByTables(view: CallerView, called: HostPort): Meaning | undefined {
  if (isIpAddress(called.host)) return undefined;
  for (const host of searchList(called.host.toLowerCase(), view.caller, view.reader.mesh.clusterDomain)) {
    const all = chooseTables(view, host, called.port);
    // `*` speaks of what is there, and makes nothing up.
    const tables = {
      http: all.http.filter(each => each.host !== '*'),
      tcp: all.tcp.filter(each => each.host !== '*'),
    };
    if (tables.http.length + tables.tcp.length === 0) continue;
    return {
      found: 'service',
      service: undefined,
      protocol: 'auto',
      routed: { host, port: called.port, cluster: undefined },
      called,
      tables,
    };
  }
  return undefined;
}

function known(view: CallerView, key: string, meaning: Meaning): DestinationResource {
  const { reader, caller } = view;
  const { routed, service, tables, called } = meaning;
  const { host, port } = routed;
  const clusters = new Clusters(view);
  if (routed.cluster !== undefined) clusters.add(routed.cluster, service, routed);
  const traffic = resolveTraffic(reader, caller, routed);
  const { rules } = callerRules(tables.http, caller, port);
  const routes = balanced(
    routesOf({ rules, table: tables.http[0], routed, traffic, clusters }),
    meaning,
    view,
    clusters,
  );
  const streams = streamsOf(tables.tcp, { caller, routed, host: called.host, clusters });
  return {
    kind: 'destination',
    key,
    found: meaning.found,
    host,
    port,
    protocol: meaning.protocol,
    routes,
    ...streams,
    ...reader.pathNormalization(),
    clusters: used(clusters, routes, streams),
  };
}

/** With a route for requests that name a headless Service, where they share connections: see balancedRoute. */
function balanced(
  routes: readonly Route[],
  { found, service, protocol, routed, called }: Meaning,
  { caller }: CallerView,
  clusters: Clusters,
): readonly Route[] {
  const last = routes.at(-1)!;
  const isShared = protocol === 'http2' || protocol === 'grpc';
  if (found !== 'workload' || service?.headless !== true || !isShared || last.action.kind !== 'forward')
    return routes;
  const { host, port } = routed;
  const cluster = formatClusterName({ kind: 'service', host, port });
  clusters.add(cluster, service, { host, port });
  return [...routes.slice(0, -1), balancedRoute(service, caller.namespace, called.port, cluster, last), last];
}

function unknown({ reader, scope }: CallerView, key: string): DestinationResource {
  const asked = parseHostPort(key);
  const refused = refusalOf(scope);
  const byName = asked !== undefined && isIpAddress(asked.host) && reader.isNamedPort(asked.port);
  return {
    kind: 'destination',
    key,
    found: 'unknown',
    host: key,
    port: asked?.port ?? 0,
    protocol: 'auto',
    routes: [],
    tcp: [],
    ...(byName && { askByName: true }),
    ...(refused !== undefined && { refused }),
    ...reader.pathNormalization(),
    clusters: [],
  };
}
