import {
  type ClusterConfig,
  type ClusterEndpoint,
  type EndpointsResource,
  equal,
  formatAddress,
} from '../model/index.ts';
import type { Log, PeerRequests } from '../telemetry/index.ts';
import type { Clock, TimerWheel } from '../time/index.ts';
import { AdaptiveLimit } from './adaptive-limit.ts';
import { type Balancer, createBalancer, type Random } from './balancer.ts';
import type { UpstreamDialer } from './dials.ts';
import { Ejections, type EjectionsOwner } from './ejections.ts';
import { RunningEndpoint } from './endpoint.ts';
import type { EndpointGroup } from './endpoint-group.ts';
import { HashKey } from './hash-key.ts';
import { ClusterLatency, LatencyAverage } from './latency.ts';
import { emptyWords, takers } from './nobody.ts';
import { Occupancy } from './occupancy.ts';
import type { Outcome } from './outlier.ts';
import { DEFAULT_STALE_AFTER_MS, Pool, type PoolOptions } from './pool.ts';
import { isSamePeer, poolSettings, sameEndpoint } from './pool-settings.ts';
import { RetryBudget } from './retry-budget.ts';
import { Selection } from './selection.ts';
import { SessionPool } from './session-pool.ts';
import { SessionSizes } from './session-sizes.ts';
import { sessionToken } from './session-token.ts';
import { WarmConnections } from './warm-connections.ts';

/** What clusters need from the process around them. */
export interface ClusterHost {
  readonly clock: Clock;
  readonly timers: TimerWheel;
  readonly log: Log;
  readonly random?: Random;
  /** See PoolOptions; DEFAULT_STALE_AFTER_MS unless told. */
  readonly staleAfterMs?: number;
  /** See PoolOptions. */
  readonly isEnding?: () => boolean;
  /** How connections to an endpoint of this cluster are opened. */
  dialer(cluster: RunningCluster, endpoint: ClusterEndpoint): UpstreamDialer;
  /** The same of connections that carry sessions; undefined where none may be carried so. */
  sessionDialer?(cluster: RunningCluster, endpoint: ClusterEndpoint): UpstreamDialer;
  /** The request metrics of an endpoint. */
  metrics(cluster: RunningCluster, endpoint: ClusterEndpoint): PeerRequests;
}

/** A named set of endpoints while it runs. */
export class RunningCluster implements EjectionsOwner {
  config: ClusterConfig;
  readonly occupancy: Occupancy;
  readonly budget: RetryBudget;
  /** Counted when they happen; rendered as weft_* metrics. */
  retries = 0;
  readonly ejections: Ejections;
  /** What became of copies of requests that were sent here; rendered as weft_mirrored_requests_total. */
  readonly mirrored = { sent: 0, answered: 0, failed: 0 };
  /** How many endpoints the Service has in all, for messages. */
  total = 0;
  /** Why it can have none; '' where nothing is wrong. */
  why = '';
  /** Whether its servers were last seen to speak before their clients: then nobody waits for a client's first byte. */
  speaksFirst = false;
  /** Whether endpoints have ever been told. */
  known = false;
  /** Connections that were opened before a request needed one. */
  readonly warmth: WarmConnections;
  readonly sessionSizes: SessionSizes = new SessionSizes();
  readonly #latency = new ClusterLatency();
  readonly #host: ClusterHost;
  readonly #endpoints = new Map<string, RunningEndpoint>();
  /** Taken away while they had requests; those that have ended are dropped when the next is taken away. */
  #leaving: RunningEndpoint[] = [];
  readonly #random: Random;
  readonly #selection: Selection;
  #ejected = 0;
  #keepsUnready = false;
  #balancer: Balancer;
  #hashKey: HashKey | undefined;
  #sessions: Map<string, RunningEndpoint> | undefined;

  constructor(config: ClusterConfig, host: ClusterHost) {
    this.config = config;
    this.#host = host;
    this.occupancy = new Occupancy(config.settings.limits);
    this.occupancy.closeIdle = () => this.#closeIdle();
    this.budget = new RetryBudget(config.settings.retryBudget, host.clock);
    this.#random = host.random ?? Math.random;
    this.warmth = new WarmConnections(this);
    this.#balancer = createBalancer(config.settings.balancer, this.#random);
    this.#selection = new Selection(this.#random);
    this.#takeSettings();
    this.ejections = new Ejections(config.settings.outlier, host, this);
  }

  /** Takes new settings on; connections stay. */
  configure(config: ClusterConfig): void {
    const { balancer: before, tls } = this.config.settings;
    this.config = config;
    const { settings } = config;
    this.occupancy.limits = settings.limits;
    this.budget.settings = settings.retryBudget;
    this.ejections.configure(settings.outlier);
    if (settings.balancer.kind !== before.kind || settings.balancer.tableSize !== before.tableSize) {
      this.#balancer = createBalancer(settings.balancer, this.#random);
      this.#balancer.update([...this.#endpoints.values()]);
    }
    this.#takeSettings();
    if (!equal(tls, settings.tls)) this.#beginAnew();
    for (const endpoint of this.#endpoints.values()) {
      Object.assign(endpoint.pool.settings, poolSettings(settings));
      endpoint.sessions?.configure(poolSettings(settings));
    }
    this.#rebuild();
  }

  /** Replaces the endpoints: the same address keeps its connections and its record; what is gone finishes what it has. */
  setEndpoints(resource: EndpointsResource): void {
    this.known = true;
    this.total = resource.total;
    this.why = resource.why ?? '';
    if (this.#goesOn(resource)) return;
    // Who is ready again has been looked at anew: what it did before counts no more.
    if (this.#keepsUnready) for (const { health } of this.#endpoints.values()) health.clear();
    const wasKept = this.#keepsUnready;
    this.#keepsUnready = false;
    const wanted = new Set<string>();
    const come: RunningEndpoint[] = [];
    let changed = false;
    for (const config of resource.endpoints) {
      const key = formatAddress(config.address, config.port);
      wanted.add(key);
      const running = this.#endpoints.get(key);
      if (running === undefined) {
        come.push(this.#begin(key, config));
        changed = true;
      } else if (!sameEndpoint(running.config, config)) {
        changed = true;
        // Another pod at an address that was used before: nothing of the old one may be kept.
        if (isSamePeer(running.config, config)) {
          running.config = config;
          running.metrics = this.#host.metrics(this, config);
        } else {
          this.#stop(running);
          come.push(this.#begin(key, config));
        }
      }
    }
    for (const [key, endpoint] of this.#endpoints) {
      if (wanted.has(key)) continue;
      this.#stop(endpoint);
      this.#endpoints.delete(key);
      changed = true;
    }
    if (!changed && !wasKept) return;
    this.#sessions = undefined;
    this.#balancer.update([...this.#endpoints.values()]);
    this.#rebuild();
    this.warmth.come(come);
  }

  /** Endpoints that are used though discovery calls none of the Service's ready; 0 while any is. */
  get keptUnready(): number {
    return this.#keepsUnready ? this.#endpoints.size : 0;
  }

  /**
   * Where every endpoint turns unready in one go while connections to them are open, it is more likely that whoever looks cannot
   * see them (an API server or node that is away) than that all broke: the last set goes on, less whoever fails. Nothing is kept
   * of a Service that is gone or scaled to nothing, nor a single one that has said itself that it is not ready.
   */
  #goesOn({ endpoints, total, ill }: EndpointsResource): boolean {
    if (endpoints.length > 0 || total === 0) return false;
    if (ill === true && this.#endpoints.size <= 1) return false;
    if (this.#keepsUnready) return true;
    if (![...this.#endpoints.values()].some(isConnected)) return false;
    this.#keepsUnready = true;
    const fields = {
      code: 'endpoints-kept',
      cluster: this.config.name,
      endpoints: this.#endpoints.size,
      of: total,
    };
    this.#host.log.warn(
      fields,
      'all endpoints turned unready at once while connections to them work; going on with the last ones, see whether the nodes and the API server are well',
    );
    return true;
  }

  /** One of those that are kept has failed: it is indeed not there. */
  #letGo(endpoint: RunningEndpoint): void {
    this.#stop(endpoint);
    this.#endpoints.delete(endpoint.key);
    this.#sessions = undefined;
    this.#balancer.update([...this.#endpoints.values()]);
    this.#rebuild();
  }

  /** Why nobody can be picked: there is nobody, or all that there are have as many requests as they may. */
  get emptyFlag(): 'UH' | 'UO' {
    return takers(this) > 0 ? 'UO' : 'UH';
  }

  /** The same in words. */
  get emptyWords(): string {
    return emptyWords(this);
  }

  /** What the host says of metrics has changed: from now on requests count there. */
  renewMetrics(): void {
    for (const endpoint of this.#endpoints.values())
      endpoint.metrics = this.#host.metrics(this, endpoint.config);
  }

  /** Lets every connection go; requests under way finish. */
  close(): void {
    for (const endpoint of this.#endpoints.values()) this.#stop(endpoint);
    this.#endpoints.clear();
    this.ejections.close();
    this.#sessions = undefined;
    this.#rebuild();
  }

  /**
   * An endpoint for one request, none of `tried` while there are others. Undefined when there is none at all. `nowMs` is
   * monotonic; `hash` as for Balancer.pick. `anywhere`: a later try may leave the localities that traffic prefers though they
   * have more endpoints.
   */
  pick(
    tried: readonly RunningEndpoint[],
    nowMs: number,
    hash = -1,
    anywhere = false,
  ): RunningEndpoint | undefined {
    const group = this.#selection.group(nowMs, hash);
    if (group === undefined) return undefined;
    const among = tried.length === 0 ? group : this.#selection.without(tried, group, anywhere);
    const picked = this.#balancer.pick(among, nowMs, hash);
    return picked.active < picked.maxActive ? picked : this.#pickNotFull(tried, group, nowMs, hash);
  }

  /** Rare: the one that was picked has as many requests as it may. Those that were tried are better than nobody. */
  #pickNotFull(
    tried: readonly RunningEndpoint[],
    group: EndpointGroup,
    nowMs: number,
    hash: number,
  ): RunningEndpoint | undefined {
    const full = [...this.#endpoints.values()].filter(each => each.full);
    for (const avoided of [[...tried, ...full], full]) {
      const picked = this.#balancer.pick(this.#selection.without(avoided, group, true), nowMs, hash);
      if (!picked.full) return picked;
    }
    this.occupancy.overflows++;
    return undefined;
  }

  /** What requests to this cluster are hashed by; undefined when nothing is. */
  get hashKey(): HashKey | undefined {
    return this.#hashKey;
  }

  /** The endpoint of a sticky session if it takes requests; see `sessionToken`. */
  bySession(token: string): RunningEndpoint | undefined {
    if (this.#sessions === undefined) {
      this.#sessions = new Map();
      for (const endpoint of this.#endpoints.values()) this.#sessions.set(sessionToken(endpoint), endpoint);
    }
    const endpoint = this.#sessions.get(token);
    return endpoint?.group !== undefined && !endpoint.full ? endpoint : undefined;
  }

  /** Tells how a try ended. */
  record(endpoint: RunningEndpoint, outcome: Outcome): void {
    const { health } = endpoint;
    // Nearly always nothing to do, and this is the hot path.
    if (outcome === 'success' && !health.unsettled) return;
    if (this.#keepsUnready && outcome === 'connect-failure' && !endpoint.removed) {
      this.#letGo(endpoint);
      return;
    }
    this.ejections.record(endpoint, outcome);
  }

  get random(): Random {
    return this.#random;
  }

  get endpoints(): IterableIterator<RunningEndpoint> {
    return this.#endpoints.values();
  }

  /** Those that were taken away and still finish requests; for the admin page. */
  get leaving(): readonly RunningEndpoint[] {
    return this.#leaving.filter(({ active }) => active > 0);
  }

  /** How many endpoints there are, and how many of them take requests. */
  get size(): number {
    return this.#endpoints.size;
  }
  get healthy(): number {
    return this.#endpoints.size - this.#ejected;
  }

  onEjectionsChanged(): void {
    this.#rebuild();
  }

  #start(key: string, config: ClusterEndpoint): RunningEndpoint {
    const { clock } = this.#host;
    const pool = new Pool(
      this.#host.dialer(this, config),
      { ...this.#poolOptions(config), onLost: use => this.warmth.lost(endpoint, use) },
      this.occupancy,
      poolSettings(this.config.settings),
    );
    const latency = new LatencyAverage(this.#latency, clock.monotonic());
    const endpoint: RunningEndpoint = new RunningEndpoint(
      key,
      config,
      pool,
      latency,
      this.#host.metrics(this, config),
    );
    if (config.readySinceMs !== undefined) {
      // On the monotonic clock from now on: a wall clock that is set must not take weight away again.
      const age = Math.max(0, clock.now() - config.readySinceMs);
      endpoint.warmingSinceMs = clock.monotonic() - age;
    }
    return endpoint;
  }

  #begin(key: string, config: ClusterEndpoint): RunningEndpoint {
    const endpoint = this.#start(key, config);
    this.#endpoints.set(key, endpoint);
    return endpoint;
  }

  #poolOptions({ tls }: ClusterEndpoint): PoolOptions {
    const { clock, timers, staleAfterMs = DEFAULT_STALE_AFTER_MS, isEnding } = this.#host;
    return { clock, timers, staleAfterMs, meshed: tls === 'mesh', ...(isEnding && { isEnding }) };
  }

  /** What carries connections of apps to it as streams; undefined where each has to have its own. */
  sessionsOf(endpoint: RunningEndpoint): SessionPool | undefined {
    const { config } = endpoint;
    if (config.tls !== 'mesh' || endpoint.removed || this.#host.sessionDialer === undefined) return undefined;
    endpoint.sessions ??= new SessionPool(
      this.#host.sessionDialer(this, config),
      this.#poolOptions(config),
      poolSettings(this.config.settings),
    );
    return endpoint.sessions;
  }

  /** Memory is short: connections that carry nothing close. */
  closeAllIdle(): void {
    for (const { pool, sessions } of this.#endpoints.values()) {
      pool.closeAllIdle();
      sessions?.closeAllIdle();
    }
  }

  /** Who is trusted now may not be who was: no request goes on a connection from before. */
  #beginAnew(): void {
    for (const [key, endpoint] of this.#endpoints) {
      this.#stop(endpoint);
      this.#endpoints.set(key, this.#start(key, endpoint.config));
    }
    this.#sessions = undefined;
    this.#balancer.update([...this.#endpoints.values()]);
  }

  #stop(endpoint: RunningEndpoint): void {
    endpoint.removed = true;
    this.warmth.leaves(endpoint);
    endpoint.pool.close();
    endpoint.sessions?.close();
    this.#leaving = this.leaving.concat(endpoint.active > 0 ? endpoint : []);
  }

  /** Rare: only at the connection limit. */
  #closeIdle(): boolean {
    let oldest: Pool | undefined;
    let sinceMs = Number.POSITIVE_INFINITY;
    for (const { pool } of this.#endpoints.values()) {
      const idleSinceMs = pool.idleSinceMs ?? Number.POSITIVE_INFINITY;
      if (idleSinceMs >= sinceMs) continue;
      oldest = pool;
      sinceMs = idleSinceMs;
    }
    oldest?.closeIdle();
    return oldest !== undefined;
  }

  /** Settings that have objects of their own here. */
  #takeSettings(): void {
    const { balancer, adaptiveConcurrency } = this.config.settings;
    this.#hashKey =
      this.#balancer.hashing && balancer.hash !== undefined && balancer.hash.length > 0
        ? new HashKey(balancer.hash)
        : undefined;
    if (adaptiveConcurrency === undefined) this.occupancy.adaptive = undefined;
    else if (this.occupancy.adaptive !== undefined) this.occupancy.adaptive.configure(adaptiveConcurrency);
    else this.occupancy.adaptive = new AdaptiveLimit(adaptiveConcurrency);
  }

  /** What balancers pick from: healthy endpoints, or all of them when too few are (panic), by locality. */
  #rebuild(): void {
    const all = [...this.#endpoints.values()];
    const { settings, callerLocality } = this.config;
    const healthy = all.filter(endpoint => !endpoint.health.ejected).length;
    this.#ejected = all.length - healthy;
    const panic = (healthy * 100) / all.length < settings.outlier.panicThresholdPercent;
    const everybody = panic || healthy === 0;
    for (const endpoint of all) endpoint.bound(settings.outlier.trial);
    this.#selection.build(all, everybody, settings.balancer, callerLocality, this.#host.clock.monotonic());
  }
}

function isConnected({ pool, sessions }: RunningEndpoint): boolean {
  return pool.figures.open > 0 || (sessions !== undefined && sessions.figures.open > 0);
}
