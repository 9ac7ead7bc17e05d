import { type ClusterHost, type Random, RunningCluster } from '../../cluster/index.ts';
import {
  type ClusterConfig,
  DEFAULT_RETRY,
  DEFAULT_TRAFFIC,
  type DestinationResource,
  formatAddress,
  formatRef,
  type InboundPort,
  type InboundResource,
  type MtlsMode,
  type Protocol,
  type Route,
  type WeightedCluster,
} from '../../model/index.ts';
import { conditionFault, type RateLimit, rateLimitFault, rateLimits } from '../../routing/index.ts';
import { IntrusiveSet } from '../../sets/index.ts';
import { LimitMetrics } from '../../telemetry/index.ts';
import { type RequestPolicy, RunningDestination } from './destination.ts';
import type { PortAuthentication } from './port-authentication.ts';
import { PortEntry } from './port-entry.ts';
import {
  type AuthorizationHost,
  type PortAuthorization,
  portAuthorization,
  portFilters,
} from './port-policies.ts';
import { policyName } from './running-route.ts';

/** The app's side of one inbound port. */
export interface RunningPort {
  /** Where the app is. */
  readonly address: string;
  readonly number: number;
  /** The client's address where the app sees it, and with it connections that are nobody else's; ''. */
  readonly caller: string;
  readonly protocol: Protocol;
  /** Whom it lets in. */
  readonly entry: PortEntry;
  readonly service: { readonly host: string; readonly name: string; readonly namespace: string };
  readonly destination: RunningDestination;
}

/** A connection whose bytes nobody reads, and which therefore has to be asked again when what is said of ports has changed. */
export interface PortsWatcher {
  /** For InboundPorts.watchers alone. */
  watcherSeat: number;
  onPortsChanged(): void;
}

const nothingSaid = {};
const noService = { host: '', name: '', namespace: '' };
/** The app is next door: only what is certainly safe is repeated, and nothing is ejected. */
const retry = { ...DEFAULT_RETRY, attempts: 0 };
const settings = {
  ...DEFAULT_TRAFFIC,
  outlier: { ...DEFAULT_TRAFFIC.outlier, enabled: false },
  limits: {
    maxConnections: 65_536,
    maxPendingRequests: 65_536,
    maxRequests: 65_536,
    maxRequestsPerConnection: 0,
  },
};
/** Ports are made for whoever knocks, before it is known who that is: a scan of all 65,535 must not fill the memory. */
const maxPorts = 1024;

/** What this workload's own ports do, made when a port is first called and made anew when discovery says something new. */
export class InboundPorts {
  readonly #host: ClusterHost;
  readonly #random: Random;
  readonly #limitMetrics: LimitMetrics;
  readonly #clusters = new Map<string, RunningCluster>();
  readonly #running = new Map<string, RunningPort>();
  /** What ran before the resource changed. */
  readonly #before = new Map<string, RunningDestination>();
  readonly #limitsBefore = new Map<string, readonly RateLimit[]>();
  /** Grows with every resource, so that open connections see that there is another. */
  version = 0;
  /** Told after every change. */
  readonly watchers = new IntrusiveSet<'watcherSeat', PortsWatcher>('watcherSeat');
  #resource: InboundResource | undefined;
  #modeUntilKnown: MtlsMode;

  readonly #hostFor: (caller: string) => ClusterHost;
  readonly #authentication: PortAuthentication | undefined;
  readonly #authorization: AuthorizationHost | undefined;
  /** By address and port; what the resource says. */
  readonly #authorizers = new Map<string, PortAuthorization>();

  /** `hostFor`: for connections that come from a caller's own address. */
  constructor(
    host: ClusterHost,
    modeUntilKnown: MtlsMode,
    limitMetrics: LimitMetrics = new LimitMetrics(),
    hostFor: (caller: string) => ClusterHost = () => host,
    authentication?: PortAuthentication,
    authorization?: AuthorizationHost,
  ) {
    this.#authentication = authentication;
    this.#authorization = authorization;
    this.#limitMetrics = limitMetrics;
    this.#host = host;
    this.#hostFor = hostFor;
    this.#random = host.random ?? Math.random;
    this.#modeUntilKnown = modeUntilKnown;
  }

  /**
   * Takes the workload's inbound side over; open connections stay open, and their next requests follow it. Returns undefined, or
   * why it was refused: ports are made when they are first called, and nothing may be wrong then.
   */
  apply(resource: InboundResource): string | undefined {
    const limits = [resource.defaultRateLimits, ...resource.ports.map(each => each.rateLimits)];
    for (const limit of limits.flatMap(each => each ?? [])) {
      const fault = conditionFault(limit.matches) ?? rateLimitFault(limit);
      if (fault !== undefined) return limit.from ? `${formatRef(limit.from)}: ${fault}` : fault;
    }
    for (const { name, from, matches = [] } of resource.ports.flatMap(({ routes = [] }) => routes)) {
      const fault = conditionFault(matches);
      if (fault !== undefined) return `${from ? formatRef(from) : name}: ${fault}`;
    }
    this.#authentication?.apply(resource.tokenRules);
    this.#resource = resource;
    this.version++;
    this.#running.clear();
    this.#authorizers.clear();
    for (const watcher of this.watchers) watcher.onPortsChanged();
    return undefined;
  }

  get resource(): InboundResource | undefined {
    return this.#resource;
  }

  /**
   * The app at `address:port`. `caller`: the address that it is called from where that is the client's; its connections are
   * apart.
   */
  find(address: string, port: number, caller = ''): RunningPort {
    const own = formatAddress(address, port);
    const key = caller === '' ? own : `${own} from ${caller}`;
    let running = this.#running.get(key);
    if (running === undefined) {
      if (this.#clusters.size >= maxPorts && !this.#clusters.has(key)) this.#dropOldest();
      running = this.#make(address, port, caller, key);
      this.#running.set(key, running);
    }
    return running;
  }

  close(): void {
    for (const cluster of this.#clusters.values()) cluster.close();
    this.#clusters.clear();
    this.#running.clear();
  }

  get clusters(): IterableIterator<RunningCluster> {
    return this.#clusters.values();
  }

  /**
   * The oldest that nothing uses. Those that discovery names stay, for their rate limits would begin anew. Not closed: a
   * connection that came just now may hold it, and then it goes with that.
   */
  #dropOldest(): void {
    const named = new Set(this.#resource?.ports.map(({ number }) => number));
    for (const [key, cluster] of this.#clusters) {
      const [endpoint] = cluster.endpoints;
      const isCallers = key !== formatAddress(endpoint!.config.address, endpoint!.config.port);
      if (isCallers && cluster.occupancy.requests + cluster.occupancy.waiting === 0) cluster.closeAllIdle();
      const { connections, requests, waiting } = cluster.occupancy;
      if (connections + requests + waiting > 0 || (!isCallers && named.has(endpoint!.config.port))) continue;
      this.#clusters.delete(key);
      this.#running.delete(key);
      if (!isCallers) {
        this.#before.delete(key);
        this.#limitsBefore.delete(key);
      }
      return;
    }
  }

  /** What policies say of all requests to a port. Rate limits go on with the tokens that they have. */
  #policy(key: string, said: InboundPort | undefined, who: PortAuthorization): RequestPolicy | undefined {
    const asked = said === undefined ? this.#resource?.defaultRateLimits : said.rateLimits;
    const before = this.#limitsBefore.get(key) ?? [];
    const limits = rateLimits(asked, before, this.#random, this.#host.clock.monotonic(), ({ from }) =>
      this.#limitMetrics.open(policyName(from)),
    );
    this.#limitsBefore.set(key, limits);
    const tokens = this.#authentication?.authenticator;
    const filters = portFilters(who, { tokens, limits });
    if (asked === undefined && filters.length === 0) return undefined;
    return { filters, rules: asked === undefined ? {} : { rateLimits: asked } };
  }

  /** Compiled once, for all callers of the port. */
  #authorizationAt(key: string, address: string, port: number): PortAuthorization {
    let known = this.#authorizers.get(key);
    if (known === undefined) {
      known = portAuthorization(
        this.#resource ?? nothingSaid,
        { address, port },
        this.#authorization,
        this.#host.clock,
      );
      this.#authorizers.set(key, known);
    }
    return known;
  }

  #destination(
    resource: DestinationResource,
    app: RunningCluster,
    policy: RequestPolicy | undefined,
  ): RunningDestination {
    const parts = {
      cluster: () => app,
      random: this.#random,
      nowMs: this.#host.clock.monotonic(),
    };
    const made = new RunningDestination(resource, parts, this.#before.get(resource.key), policy);
    this.#before.set(resource.key, made);
    return made;
  }

  #make(address: string, port: number, caller: string, key: string): RunningPort {
    const said: InboundPort | undefined = this.#resource?.ports.find(candidate => candidate.number === port);
    const mtls = said?.mtls ?? this.#resource?.defaultMtls ?? this.#modeUntilKnown;
    const from = said?.from ?? (said === undefined ? this.#resource?.defaultFrom : undefined);
    const service = said?.service ?? noService;
    const pathNormalization = this.#resource?.pathNormalization;
    const { servicePort, protocol = 'auto' } = said ?? {};
    const config: ClusterConfig = {
      name: `inbound/${key}`,
      service,
      ...(protocol !== 'auto' && { protocol }),
      ...(servicePort && { servicePort }),
      settings,
    };
    let cluster = this.#clusters.get(key);
    if (cluster === undefined) {
      cluster = new RunningCluster(config, caller === '' ? this.#host : this.#hostFor(caller));
      const peer = { workload: '', namespace: '', app: '', version: '', principal: '', pod: '' };
      const endpoint = { address, port, tls: 'plaintext' as const, peer };
      cluster.setEndpoints({ kind: 'endpoints', key: config.name, endpoints: [endpoint], total: 1 });
      this.#clusters.set(key, cluster);
    } else cluster.configure(config);
    const clusters = [{ cluster: config.name, weight: 1 }];
    const app = cluster;
    const own = formatAddress(address, port);
    const who = this.#authorizationAt(own, address, port);
    const policyWords = from === undefined ? 'the default of the mesh' : formatRef(from);
    // Its key is the same for all callers, so that they share the rate limits of the port.
    const resource: DestinationResource = {
      kind: 'destination',
      key: own,
      found: 'workload',
      host: own,
      port,
      protocol,
      routes: routesOf(said, clusters),
      tcp: clusters,
      ...(pathNormalization && { pathNormalization }),
      clusters: [config],
    };
    return {
      address,
      number: port,
      caller,
      protocol,
      entry: new PortEntry(mtls, policyWords, from, who.connections, who.asked),
      service,
      destination: this.#destination(resource, app, this.#policy(own, said, who)),
    };
  }
}

/** Those that policies tell of, and behind them one for everything. */
function routesOf(said: InboundPort | undefined, clusters: readonly WeightedCluster[]): readonly Route[] {
  const common = { timeoutMs: 0, idleTimeoutMs: 0, retry };
  const action = { kind: 'forward', clusters } as const;
  const told = (said?.routes ?? []).map(({ redirect, ...each }) => ({
    ...each,
    action: redirect ?? action,
    ...common,
  }));
  return [...told, { name: 'inbound', action, ...common }];
}
