import {
  type DestinationResource,
  type HostPort,
  isIpAddress,
  type Mesh,
  parseHostPort,
  type Route,
  type Service,
  type WeightedCluster,
} from '../model/index.ts';
import type { Caller } from './caller.ts';
import { formatClusterName } from './cluster-name.ts';
import { egressScopeOf, refusalOf } from './egress.ts';
import { type Asking, type Found, find, searchList } from './find.ts';
import { balancedRoute } from './headless.ts';
import { MeshReader, type Resolved } from './mesh-reader.ts';
import { routesOf } from './routes.ts';
import { callerRules } from './rules.ts';
import { streamsOf } from './streams.ts';
import { type ChosenTables, chooseTables } from './tables.ts';
import { type Asked, Clusters, nameOfFound } from './targets.ts';
import { resolveTraffic } from './traffic.ts';

/** How `caller` reaches what `key` names (see DestinationResource.key). What nobody knows is `unknown`, never an error. */
export function resolveDestination(mesh: Mesh, caller: Caller, key: string): Resolved<DestinationResource> {
  const reader = new MeshReader(mesh);
  const asking: Asking = { reader, caller, scope: egressScopeOf(reader, caller) };
  const meaning = meaningOf(asking, key);
  const resource = meaning ? known(asking, key, meaning) : unknown(asking, key);
  return { resource, facts: reader.facts };
}

/** What a key means to a caller, and which tables speak of it. */
export interface Meaning {
  readonly found: DestinationResource['found'];
  /** Undefined where only tables know the host, or for the address of no Service. */
  readonly service: Service | undefined;
  readonly protocol: DestinationResource['protocol'];
  readonly asked: Asked;
  /** As it was called. */
  readonly called: HostPort;
  readonly tables: ChosenTables;
}

/** Undefined for what the caller's mesh knows nothing of. */
export function meaningOf(asking: Asking, key: string): Meaning | undefined {
  const called = parseHostPort(key);
  if (!called) return undefined;
  const found = find(asking, called);
  if (found.kind === 'unknown') return namedByTables(asking, called);
  return found.kind === 'service' ? ofService(asking, called, found) : ofAddress(asking, called, found);
}

function ofService(asking: Asking, called: HostPort, found: Extract<Found, { kind: 'service' }>): Meaning {
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
    asked: { host, port: port.number, cluster },
    called,
    tables: tablesOf(asking, found, host),
  };
}

/** Rules for another name of the Service hold for who calls it by that; those of the Service itself where it has none. */
function tablesOf(
  asking: Asking,
  { service, port, alias }: Extract<Found, { kind: 'service' }>,
  host: string,
): ChosenTables {
  const own = chooseTables(asking, host, port.number, service.namespace);
  if (!alias) return own;
  const named = chooseTables(asking, alias.host, port.number, alias.namespace);
  return {
    http: named.http.length > 0 ? named.http : own.http,
    tcp: named.tcp.length > 0 ? named.tcp : own.tcp,
  };
}

/** Without a virtual address a headless Service is called by its pods' addresses, so that its tables hold for these too. */
function ofAddress(asking: Asking, called: HostPort, found: Extract<Found, { kind: 'direct' }>): Meaning {
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
    asked: { host, port, cluster },
    called,
    tables: service?.headless ? chooseTables(asking, host, port, service.namespace) : { http: [], tcp: [] },
  };
}

/** Hosts that are no Service: rules may send their requests to some. */
function namedByTables(asking: Asking, called: HostPort): Meaning | undefined {
  if (isIpAddress(called.host)) return undefined;
  for (const host of searchList(called.host.toLowerCase(), asking.caller, asking.reader.mesh.clusterDomain)) {
    const all = chooseTables(asking, host, called.port);
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
      asked: { host, port: called.port, cluster: undefined },
      called,
      tables,
    };
  }
  return undefined;
}

function known(asking: Asking, key: string, meaning: Meaning): DestinationResource {
  const { reader, caller } = asking;
  const { asked, service, tables, called } = meaning;
  const { host, port } = asked;
  const clusters = new Clusters(asking);
  if (asked.cluster !== undefined) clusters.add(asked.cluster, service, asked);
  const traffic = resolveTraffic(reader, caller, asked);
  const { rules } = callerRules(tables.http, caller, port);
  const routes = balanced(
    routesOf({ rules, table: tables.http[0], asked, traffic, clusters }),
    meaning,
    asking,
    clusters,
  );
  const streams = streamsOf(tables.tcp, { caller, asked, host: called.host, clusters });
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
  { found, service, protocol, asked, called }: Meaning,
  { caller }: Asking,
  clusters: Clusters,
): readonly Route[] {
  const last = routes.at(-1)!;
  const isShared = protocol === 'http2' || protocol === 'grpc';
  if (found !== 'workload' || service?.headless !== true || !isShared || last.action.kind !== 'forward')
    return routes;
  const { host, port } = asked;
  const cluster = formatClusterName({ kind: 'service', host, port });
  clusters.add(cluster, service, { host, port });
  return [...routes.slice(0, -1), balancedRoute(service, caller.namespace, called.port, cluster, last), last];
}

/** Without those that nothing names any more: a proxy follows the endpoints of every cluster it is told of. */
function used(
  { configs }: Clusters,
  routes: DestinationResource['routes'],
  { tcp, tls = [] }: Pick<DestinationResource, 'tcp' | 'tls'>,
): DestinationResource['clusters'] {
  const weighted: readonly WeightedCluster[] = [
    ...tcp,
    ...tls.flatMap(each => each.clusters),
    ...routes.flatMap(({ action }) => (action.kind === 'forward' ? action.clusters : [])),
  ];
  const mirrors = [...routes, ...weighted].flatMap(each => each.mirrors ?? []);
  const names = new Set([...weighted, ...mirrors].map(each => each.cluster));
  return configs.filter(({ name }) => names.has(name));
}

function unknown({ reader, scope }: Asking, key: string): DestinationResource {
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
