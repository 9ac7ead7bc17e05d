import {
  attachedHost,
  type DestinationResource,
  ROUTE_RANKS,
  type Route,
  type RouteTable,
  type VirtualHost,
} from '../model/index.ts';
import { withUsers } from './edge-users.ts';
import type { CallerView } from './find.ts';
import { bySpecificity } from './host-index.ts';
import { wildcardsOf } from './hosts.ts';
import { hostAt, openListener, type ServedListener } from './joined-gateway.ts';
import { routesOf } from './routes.ts';
import { type CallerRule, callerRules } from './rules.ts';
import { Clusters, type RoutedHost, type Secures, used } from './targets.ts';
import { resolveTraffic } from './traffic.ts';

const GATEWAY_GROUP = 'gateway.networking.k8s.io';

/** The routes of one listener of a gateway for one host, or for all of its connections where it reads none of them. */
export function resolveVirtualHost(view: CallerView, key: string, wanted: VirtualHost): DestinationResource {
  const { reader, caller } = view;
  const { gateway, port, host } = wanted;
  const served = openListener(reader, caller, wanted);
  const common = { kind: 'destination', key, port, ...reader.pathNormalization() } as const;
  if (served === undefined) {
    const refused = `gateway ${gateway} has no listener for this`;
    return {
      ...{ ...common, found: 'unknown', host, protocol: 'auto', routes: [], tcp: [], clusters: [] },
      refused,
    };
  }
  const clusters = new Clusters(view, securesOf(served));
  const routed: RoutedHost = { host, port, cluster: undefined };
  const { protocol } = served.listener;
  if (protocol === 'http' || protocol === 'https') {
    const rules = rulesAt(view, served, wanted);
    const traffic = resolveTraffic(reader, caller, routed);
    const table = rules[0]?.table;
    const routes = routesOf({ rules, table: table ?? nothing, routed, traffic, clusters }).map(route =>
      withUsers(reader, redirectedFrom(served.listener, route)),
    );
    const streams = { tcp: [] };
    const configs = used(clusters, routes, streams);
    const { escapedSlashes } = served.listener.options ?? {};
    return {
      ...common,
      ...(escapedSlashes && { escapedSlashes }),
      ...asNginx(rules, common),
      found: 'service',
      host,
      protocol: 'http',
      routes,
      ...streams,
      clusters: configs,
    };
  }
  const streams = streamsAt(view, served, routed, clusters);
  const configs = used(clusters, [], streams);
  const spoken = served.listener.tls?.mode === 'passthrough' ? 'tls' : 'tcp';
  return {
    ...{ ...common, found: 'service', host: served.listener.hostname ?? gateway },
    ...{ protocol: spoken, routes: [], ...streams, clusters: configs },
  };
}

const wellKnownPorts: Readonly<Record<string, number>> = { http: 80, https: 443 };

/**
 * A redirect without a scheme stays with the listener's. Gateway API has one without a port go to the scheme's own where it names
 * a scheme, else to the listener's (HTTPRequestRedirectFilter.port), whatever port the client wrote into Host.
 */
function redirectedFrom({ protocol, port: own }: ServedListener['listener'], route: Route): Route {
  const { action, from } = route;
  if (action.kind !== 'redirect') return route;
  const { scheme = protocol === 'https' ? 'https' : undefined } = action;
  const implied = action.scheme === undefined ? own : wellKnownPorts[action.scheme.toLowerCase()];
  const port = action.port ?? (from?.apiVersion.startsWith(`${GATEWAY_GROUP}/`) ? implied : undefined);
  return {
    ...route,
    action: { ...action, ...(scheme !== undefined && { scheme }), ...(port !== undefined && { port }) },
  };
}

/** What comes as bytes in clear, or as TLS that is passed on, goes on as it is. */
function securesOf({ listener: { protocol, tls }, root, served }: ServedListener): Secures {
  const isBytes = protocol === 'tcp' || protocol === 'udp' || tls?.mode === 'passthrough';
  return { who: isBytes ? 'nobody' : 'gateway', gateway: root, served };
}

/**
 * nginx takes several slashes for one before it looks for a path, so that a rule for `/admin` guards `//admin`, too: hosts of
 * Ingresses do the same where the mesh says nothing else.
 */
function asNginx(
  rules: readonly CallerRule[],
  { pathNormalization }: Pick<DestinationResource, 'pathNormalization'>,
): Pick<DestinationResource, 'pathNormalization'> {
  const isIngress = rules.some(({ table }) => table.rank === ROUTE_RANKS.ingress);
  return isIngress && pathNormalization === undefined ? { pathNormalization: 'MERGE_SLASHES' } : {};
}

/** Stands for the tables where there is none any more: what is asked of the host is answered 404. */
const nothing: RouteTable = {
  host: '',
  ...{ http: [], tcp: [], combine: 'exclusive', unmatched: 'not-found', rank: 0, createdAt: '' },
  from: { apiVersion: '', kind: '', namespace: '', name: '' },
};

/**
 * The rules in the order in which they are tried: those of routes for the very host first, then those for wildcards that the
 * listener narrows to this host; see ChosenTables for what of several kinds of objects counts.
 */
function rulesAt(
  view: CallerView,
  served: ServedListener,
  { host, port }: VirtualHost,
): readonly CallerRule[] {
  const groups = patternsOf(served, host).map(pattern => tablesAt(view, served, pattern, host));
  const rank = Math.max(0, ...groups.flat().map(each => Math.floor(each.rank)));
  return groups.flatMap(
    tables =>
      callerRules(
        tables.filter(each => Math.floor(each.rank) === rank && each.http.length > 0),
        view.caller,
        port,
      ).rules,
  );
}

/** Patterns of routes that may come to `host` at the listener, the most specific first. */
function patternsOf({ listener }: ServedListener, host: string): readonly string[] {
  if (host !== (listener.hostname ?? '*')) return [host];
  return host === '*' ? ['*'] : [host, ...wildcardsOf(host).filter(each => each !== '*'), '*'];
}

function tablesAt(
  { reader }: CallerView,
  served: ServedListener,
  pattern: string,
  host: string,
): readonly RouteTable[] {
  return reader
    .policies('routeTables', attachedHost({ gateway: served.of, host: pattern }))
    .filter(
      ({ attachment, from }) =>
        attachment !== undefined &&
        hostAt(reader, served, { ...attachment, namespace: from.namespace }) === host,
    );
}

/** All connections, or by server name those of TLS. */
function streamsAt(
  view: CallerView,
  served: ServedListener,
  routed: RoutedHost,
  clusters: Clusters,
): Pick<DestinationResource, 'tcp' | 'tls'> {
  const isUdp = served.listener.protocol === 'udp';
  const found = [...served.streamHosts]
    .sort(([left], [right]) => bySpecificity(left, right))
    .flatMap(([pattern, host]) => {
      const [table] = tablesAt(view, served, pattern, host);
      const targets = table?.tcp[0]?.targets;
      return targets === undefined
        ? []
        : [
            {
              host,
              table: table!,
              clusters: isUdp ? clusters.datagrams(targets) : clusters.weighted(targets, routed),
            },
          ];
    });
  const named = found.filter(({ host, table }) => table.attachment?.kind === 'tls' && host !== '*');
  // Hosts say at which listeners the routes of bytes stand; of those at one the oldest has its connections.
  const rest = found
    .filter(each => !named.includes(each))
    .reduce<(typeof found)[number] | undefined>(
      (first, each) => (first === undefined || each.table.createdAt < first.table.createdAt ? each : first),
      undefined,
    );
  return {
    tcp: rest?.clusters ?? [],
    ...(named.length > 0 && {
      tls: named.map(each => ({ serverNames: [each.host], clusters: each.clusters })),
    }),
  };
}
