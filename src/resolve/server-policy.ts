// Linkerd's Servers, routes and authorizations, joined for one workload to what AuthorizationPolicies come to as well.
import {
  type AuthorizationRule,
  type AuthorizationTest,
  type AuthorizationTests,
  type InboundAccess,
  type InboundRoute,
  matchesLabels,
  type PolicyServer,
  type Requirement,
  type ServerAuthorization,
  type ServerPolicy,
  type ServerRoute,
  type ServerRouteMatch,
  type TextMatch,
  type Workload,
  type WorkloadAuthorization,
} from '../model/index.ts';
import type { MeshReader } from './mesh-reader.ts';
import { withoutOrigin } from './refs.ts';
import { compareSpecific } from './rules.ts';
import { matchTests } from './server-route-tests.ts';

/** What Servers and the default of workload or namespace say of the workload. */
export interface ServerPolicies {
  readonly authorization: readonly WorkloadAuthorization[];
  /** What ports speak, where a Server says so. */
  readonly protocols: ReadonlyMap<number, PolicyServer['protocol']>;
  /** Of ports whose requests are edited or sent elsewhere. */
  readonly routes: ReadonlyMap<number, readonly InboundRoute[]>;
}

const nothing: ServerPolicies = { authorization: [], protocols: new Map(), routes: new Map() };

/** Linkerd's default for `clusterNetworks`: RFC 1918, shared and unique local addresses. */
const CLUSTER_NETWORKS = ['10.0.0.0/8', '100.64.0.0/10', '172.16.0.0/12', '192.168.0.0/16', 'fd00::/8'];

type Clauses = AuthorizationRule['clauses'];

/** Reads all that Linkerd's objects say of the workload. */
export function serverPoliciesOf(reader: MeshReader, workload: Workload): ServerPolicies {
  const all = reader.policies('serverPolicies', workload.namespace);
  if (all.length === 0 && workload.inboundAccess === undefined) return nothing;
  const ports = serversByPort(all, workload);
  const joined = new Joined(reader, all, workload);
  const closed = unreadable(all, workload);
  const authorization = [
    ...[...ports].flatMap(([port, server]) => joined.at(server, port)),
    ...closed.map(server => joined.closed(server)),
    ...defaultOf(all, workload, [...ports.keys()]),
  ];
  const protocols = [...ports].flatMap(([port, { protocol }]) =>
    protocol === 'auto' ? [] : [[port, protocol] as const],
  );
  const routes = [...ports].flatMap(([port, server]) => {
    const found = joined.filtered(server);
    return found.length === 0 ? [] : [[port, found] as const];
  });
  return { authorization, protocols: new Map(protocols), routes: new Map(routes) };
}

/** The oldest Server of each port that any selects. */
function serversByPort(all: readonly ServerPolicy[], workload: Workload): ReadonlyMap<number, PolicyServer> {
  const ports = new Map<number, PolicyServer>();
  for (const each of all) {
    if (each.is !== 'server' || !matchesLabels(each.selector, workload.labels)) continue;
    for (const port of portsOf(each, workload)) if (!ports.has(port)) ports.set(port, each);
  }
  return new Map([...ports].sort(([left], [right]) => left - right));
}

/** Of one name several containers may each have a port. */
function portsOf({ port }: PolicyServer, { ports }: Workload): readonly number[] {
  if (typeof port === 'number') return [port];
  return ports.flatMap(each => (port !== undefined && each.name === port ? each.number : []));
}

function unreadable(all: readonly ServerPolicy[], { labels }: Workload): readonly PolicyServer[] {
  return all.flatMap(each =>
    each.is === 'server' && each.port === undefined && matchesLabels(each.selector, labels) ? each : [],
  );
}

const anyRequest: AuthorizationTest = { of: 'method', values: [{ kind: 'present', value: '' }] };

/** What holds on ports that no Server selects. */
function defaultOf(
  all: readonly ServerPolicy[],
  { inboundAccess, probes = [], from }: Workload,
  served: readonly number[],
): readonly WorkloadAuthorization[] {
  const ofNamespace = all.find(each => each.is === 'default');
  const access = inboundAccess ?? ofNamespace?.access;
  if (access === undefined || access === 'all-unauthenticated') return [];
  return [
    {
      action: 'allow',
      rules: [
        ...accessRules(access),
        ...probes.flatMap(({ port, path }) => (served.includes(port) ? [] : probeRule(path, port))),
      ],
      ...(served.length > 0 && { exceptPorts: served }),
      ...(access === 'audit' && { dryRun: true as const }),
      from: withoutOrigin(inboundAccess === undefined ? ofNamespace!.from : from),
    },
  ];
}

/** Whom an access lets in that nothing else authorizes. */
function accessRules(access: InboundAccess): readonly AuthorizationRule[] {
  if (access === 'deny' || access === 'audit') return [];
  const [where, who] = access.split('-');
  const tests: AuthorizationTest[] = [];
  if (where === 'cluster')
    tests.push({
      of: 'source-address',
      values: CLUSTER_NETWORKS.map(value => ({ kind: 'range', value })),
    });
  if (who === 'authenticated') tests.push({ of: 'principal', values: [{ kind: 'present', value: '' }] });
  return [{ name: access, clauses: clauseOf(tests) }];
}

/** Linkerd lets everybody ask for a probe's path, as long as no route says who may. */
function probeRule(path: string, port?: number): AuthorizationRule {
  return {
    name: 'probe',
    clauses: [
      [
        [
          { of: 'path', values: [{ kind: 'exact', value: path }] },
          { of: 'method', values: [{ kind: 'exact', value: 'GET' }] },
          ...(port === undefined
            ? []
            : [{ of: 'destination-port', values: [{ kind: 'exact', value: String(port) }] } as const]),
        ],
      ],
    ],
  };
}

/** A match of a route, as tests of requests. */
interface RoutedMatch {
  readonly route: ServerRoute;
  /** '' for every one. */
  readonly host: string;
  readonly match: ServerRouteMatch;
  /** Several where it names several hosts: any of them. */
  readonly alternatives: readonly AuthorizationTests[];
}

/** What the objects of one namespace say of one workload. */
class Joined {
  readonly #reader: MeshReader;
  readonly #all: readonly ServerPolicy[];
  readonly #workload: Workload;

  constructor(reader: MeshReader, all: readonly ServerPolicy[], workload: Workload) {
    this.#reader = reader;
    this.#all = all;
    this.#workload = workload;
  }

  /** A Server that cannot be read lets nobody in, wherever no other one is. */
  closed({ from }: PolicyServer): WorkloadAuthorization {
    return { action: 'allow', rules: [], from: withoutOrigin(from) };
  }

  /** Who may call a Server's port, and where it has routes, that there is nothing else. */
  at(server: PolicyServer, port: number): readonly WorkloadAuthorization[] {
    const matches = routedMatches(this.#routesOf(server));
    const routed = this.#routesOf(server).length > 0;
    const from = withoutOrigin(server.from);
    const allow: WorkloadAuthorization = {
      action: 'allow',
      rules: [
        ...this.#rulesOf(({ target }) => isFor(target, server)),
        ...accessRules(server.access),
        ...matches.flatMap((_, index) => this.#routeRules(matches, index)),
        ...(routed
          ? []
          : (this.#workload.probes ?? []).flatMap(each => (each.port === port ? probeRule(each.path) : []))),
      ],
      ports: [port],
      ...(server.access === 'audit' && { dryRun: true as const }),
      from,
    };
    const isWhole = matches.some(({ alternatives }) => alternatives.some(tests => tests.length === 0));
    if (!routed || isWhole) return [allow];
    const elsewhere: WorkloadAuthorization = {
      action: 'deny',
      rules: [{ name: 'no-route', clauses: matches.flatMap(noneOf) }],
      ports: [port],
      onlyRequests: true,
      denial: { status: 404, body: `no route of Server ${server.name} matches this request` },
      from,
    };
    return [elsewhere, allow];
  }

  /** What becomes of requests by the route that they belong to; nothing where no route says anything. */
  filtered(server: PolicyServer): readonly InboundRoute[] {
    const matches = routedMatches(this.#routesOf(server));
    const isFiltered = ({ match: { request: _, ...filters } }: RoutedMatch): boolean =>
      Object.keys(filters).length > 0;
    if (!matches.some(isFiltered)) return [];
    return matches.map(({ route, host, match }, index) => {
      const { request, ...filters } = match;
      const asked = { ...request, ...(host !== '' && { authority: authorityOf(host) }) };
      return {
        name: `${route.from.name}-${index}`,
        from: withoutOrigin(route.from),
        ...(Object.keys(asked).length > 0 && { matches: [asked] }),
        ...filters,
      };
    });
  }

  #routesOf({ name }: PolicyServer): readonly ServerRoute[] {
    return this.#all.flatMap(each => (each.is === 'route' && each.servers.includes(name) ? each : []));
  }

  /** One rule for each authorization that is meant. */
  #rulesOf(
    isMeant: (each: ServerAuthorization) => boolean,
    before: Clauses = [],
  ): readonly AuthorizationRule[] {
    return this.#all.flatMap(each => {
      if (each.is !== 'authorization' || !isMeant(each)) return [];
      const clauses = each.requires.map(requirement => clientsOf(this.#reader, requirement));
      // Where one of them is not there nobody is authorized.
      if (clauses.some(clause => clause.length === 0)) return [];
      return [{ name: `${each.from.kind} ${each.from.name}`, clauses: [...before, ...clauses] }];
    });
  }

  /** A request belongs to the most specific match alone; those before it that are other routes' must not hold. */
  #routeRules(matches: readonly RoutedMatch[], index: number): readonly AuthorizationRule[] {
    const { route, alternatives } = matches[index]!;
    const before = matches.slice(0, index).filter(each => each.route !== route);
    // What is for a route is for requests alone, whatever it matches.
    const own = alternatives.map(tests => (tests.length === 0 ? [anyRequest] : tests));
    return this.#rulesOf(
      ({ target }) => target.kind === 'route' && target.key === route.key,
      [own, ...before.flatMap(noneOf)],
    );
  }
}

function isFor(target: ServerAuthorization['target'], { name, labels }: PolicyServer): boolean {
  if (target.kind === 'server') return target.name === name;
  if (target.kind === 'servers') return matchesLabels(target.selector, labels);
  return target.kind === 'namespace';
}

/** Nobody where what is required does not exist. */
function clientsOf(reader: MeshReader, requirement: Requirement): readonly AuthorizationTests[] {
  if (requirement.kind === 'clients') return requirement.clients;
  const { kind, namespace, name } = requirement;
  const found = reader
    .policies('serverPolicies', namespace)
    .find(each => each.is === 'authentication' && each.name === name && each.from.kind === kind);
  return found?.is === 'authentication' ? found.clients : [];
}

/** All matches of all routes, the most specific first: by host, then as Gateway API has it, then the older route. */
function routedMatches(routes: readonly ServerRoute[]): readonly RoutedMatch[] {
  const single = routes.flatMap(route =>
    route.matches.flatMap((match): Omit<RoutedMatch, 'alternatives'>[] =>
      (route.hosts.length === 0 ? [''] : route.hosts).map(host => ({ route, host, match })),
    ),
  );
  const sorted = single.sort(
    (left, right) =>
      hostRank(right.host) - hostRank(left.host) || compareSpecific(left.match.request, right.match.request),
  );
  return sorted.map(each => ({ ...each, alternatives: matchTests(each.match.request, each.host) }));
}

/** With and without a port, as authorization compares hosts. */
function authorityOf(host: string): TextMatch {
  // Whatever somebody wrote for a host, it is a name and no pattern.
  const name = host.replace(/^\*/, '').replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  return {
    kind: 'regex',
    value: `${host.startsWith('*') ? '.+' : ''}${name}\\.?(:[0-9]+)?`,
    ignoreCase: true,
  };
}

/** Exact names before wildcards, of these the longer first, before none. */
function hostRank(host: string): number {
  if (host === '') return 0;
  return host.startsWith('*') ? host.length : 1000 + host.length;
}

/** Clauses that hold for what does not match. */
function noneOf({ alternatives }: RoutedMatch): Clauses {
  return alternatives.map(tests => tests.map(({ not, ...test }) => [not ? test : { ...test, not: true }]));
}

function clauseOf(tests: AuthorizationTests): Clauses {
  return tests.length === 0 ? [] : [[tests]];
}
