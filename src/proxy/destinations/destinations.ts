import { type ClusterHost, type Random, RunningCluster } from '../../cluster/index.ts';
import { errorMessage, guarded } from '../../errors/index.ts';
import type { DestinationResource, EndpointsResource } from '../../model/index.ts';
import { LimitMetrics, RouteMetrics } from '../../telemetry/index.ts';
import type { Clock } from '../../time/index.ts';
import type { EdgeFilters } from '../filters/edge.interface.ts';
import type { RequestFilter } from '../filters/filter.interface.ts';
import { type RequestPolicy, RunningDestination } from './destination.ts';
import { pinOriginalDestination } from './original-destination.ts';
import type { RouteParts } from './running-route.ts';

/** Where destinations are asked for: discovery. */
export interface DestinationSource {
  want(key: string): void;
  forget(key: string): void;
}

/** What became of asking for a destination. `timeout`: nobody answered in time. */
export type DestinationAnswer = RunningDestination | 'timeout';

interface Entry {
  current: RunningDestination | undefined;
  usedMs: number;
  /** Connections or waiters that hold it. */
  waiters: ((answer: DestinationAnswer) => void)[];
  stopWaiting: (() => void) | undefined;
  /** Clusters of a resource that was refused. Discovery tells their endpoints once, and they are wanted when it is mended. */
  held: readonly string[];
}

/** How long what nobody uses is kept, and how long a connection waits for discovery. */
export interface DestinationTimes {
  readonly idleMs: number;
  readonly waitMs: number;
}

export const DEFAULT_DESTINATION_TIMES: DestinationTimes = { idleMs: 600_000, waitMs: 2_000 };

/** More keys than this are not kept: a port scan must not fill the memory. The control plane follows as many for one proxy. */
export const MAX_DESTINATIONS = 10_000;
/** So many are forgotten at a time: who calls new addresses all the time would otherwise have all of them searched for each. */
const forgottenAtOnce = MAX_DESTINATIONS / 20;
/** After a search for idle ones was in vain. */
const searchEveryMs = 100;
/** Endpoints come this much before the destination that names them; older ones came for one that was forgotten meanwhile. */
const earlyMs = 5_000;

/**
 * The destinations that the app uses, by key, and their clusters, by name. Asks discovery when a key is new, swaps one reference
 * when a resource changes, and forgets what has been idle. Clusters that several destinations name are shared.
 */
export class Destinations {
  readonly #source: DestinationSource;
  readonly #host: ClusterHost;
  readonly #clock: Clock;
  readonly #times: DestinationTimes;
  readonly #random: Random;
  readonly #routeMetrics: RouteMetrics;
  readonly #limitMetrics: LimitMetrics;
  readonly #edge: EdgeFilters | undefined;
  readonly #entries = new Map<string, Entry>();
  readonly #clusters = new Map<string, RunningCluster>();
  /** Never forgotten while somebody keeps them. */
  readonly #kept = new Set<string>();
  /** Endpoint sets that arrived before the destination that names them. */
  readonly #early = new Map<string, { readonly resource: EndpointsResource; readonly atMs: number }>();
  readonly #guards = new Map<string, readonly RequestFilter[]>();
  #noRoomMs = Number.NEGATIVE_INFINITY;
  timeouts = 0;

  constructor(
    source: DestinationSource,
    host: ClusterHost,
    times: DestinationTimes = DEFAULT_DESTINATION_TIMES,
    routeMetrics: RouteMetrics = new RouteMetrics(),
    limitMetrics: LimitMetrics = new LimitMetrics(),
    edge?: EdgeFilters,
  ) {
    this.#edge = edge;
    this.#limitMetrics = limitMetrics;
    this.#routeMetrics = routeMetrics;
    this.#source = source;
    this.#host = host;
    this.#clock = host.clock;
    this.#times = times;
    this.#random = host.random ?? Math.random;
  }

  /** The destination if it is known and its clusters have their endpoints; otherwise undefined, and `waiter` is called once. */
  find(key: string, waiter: (answer: DestinationAnswer) => void): RunningDestination | undefined {
    let entry = this.#entries.get(key);
    if (entry?.current !== undefined && this.#isComplete(entry.current)) {
      entry.usedMs = this.#clock.monotonic();
      return entry.current;
    }
    if (entry === undefined) {
      if (this.#entries.size >= MAX_DESTINATIONS && !this.#makeRoom()) {
        setImmediate(guarded('destination', waiter), 'timeout');
        return undefined;
      }
      entry = {
        current: undefined,
        usedMs: this.#clock.monotonic(),
        waiters: [],
        stopWaiting: undefined,
        held: [],
      };
      this.#entries.set(key, entry);
      this.#source.want(key);
      // In-process sources may have answered already.
      const { current } = entry;
      if (current !== undefined && this.#isComplete(current)) return current;
    }
    entry.waiters.push(waiter);
    entry.stopWaiting ??= this.#clock.after(this.#times.waitMs, () => this.#timedOut(entry));
    return undefined;
  }

  /** Whether somebody uses the destination, or has asked for it. */
  has(key: string): boolean {
    return this.#entries.has(key);
  }

  /** The destination, if it is known and the endpoints of all its clusters are: for who asks with every request. */
  ready(key: string): RunningDestination | undefined {
    const current = this.#entries.get(key)?.current;
    return current !== undefined && this.#isComplete(current) ? current : undefined;
  }

  /** Asks for a destination before anybody calls it, and does not forget it when nobody does. */
  keep(key: string): void {
    this.#kept.add(key);
    const known = this.#entries.has(key);
    if (!known) this.adopt(key);
    this.#source.want(key);
  }

  /** What requests to the destination must come through before their route is looked for, from now on; undefined for nothing. */
  guard(key: string, filters: readonly RequestFilter[] | undefined): void {
    if (this.#guards.get(key) === filters) return;
    if (filters === undefined) this.#guards.delete(key);
    else this.#guards.set(key, filters);
    const entry = this.#entries.get(key);
    // One that cannot be used refuses everything, and gets them with what mends it.
    if (entry?.current === undefined || entry.current.unusable) return;
    const { resource } = entry.current;
    entry.current = new RunningDestination(
      resource,
      this.#partsOf(resource),
      entry.current,
      this.#guardOf(key),
    );
  }

  #guardOf(key: string): RequestPolicy | undefined {
    const filters = this.#guards.get(key);
    return filters && { filters, rules: {} };
  }

  /** Forgets one that was kept. */
  release(key: string): void {
    this.#guards.delete(key);
    if (this.#kept.delete(key)) this.#forget(key);
    this.#dropUnusedClusters();
  }

  /** Takes a destination in without asking for it: it comes from the last snapshot. */
  adopt(key: string): void {
    if (this.#entries.has(key)) return;
    this.#entries.set(key, {
      current: undefined,
      usedMs: this.#clock.monotonic(),
      waiters: [],
      stopWaiting: undefined,
      held: [],
    });
  }

  /** The newest version of a destination that was found before; undefined when it has been forgotten. */
  current(key: string): RunningDestination | undefined {
    const entry = this.#entries.get(key);
    if (entry !== undefined) entry.usedMs = this.#clock.monotonic();
    return entry?.current;
  }

  /**
   * Takes a destination over. Returns undefined, or what of it was refused: a route alone, which then is what it was before or
   * refuses its requests, or all of it; then the last good one stays, and where there is none requests are refused with the
   * reason.
   */
  applyDestination(told: DestinationResource): string | undefined {
    const entry = this.#entries.get(told.key);
    if (entry === undefined) return undefined;
    const pinned = pinOriginalDestination(told);
    const { resource } = pinned;
    const parts = this.#partsOf(resource);
    const before = [...(entry.current?.resource.clusters ?? []).map(each => each.name), ...entry.held];
    let refused: string | undefined;
    try {
      const destination = new RunningDestination(resource, parts, entry.current, this.#guardOf(told.key));
      // Nothing can fail any more: now change what runs.
      for (const config of resource.clusters) this.#clusters.get(config.name)?.configure(config);
      entry.current = destination;
      entry.held = [];
      refused = destination.refused;
    } catch (error) {
      refused = errorMessage(error);
      this.#refuse(entry, resource, refused);
    }
    for (const { name } of resource.clusters) this.#takeEarly(name);
    for (const own of pinned.endpoints) this.#clusters.get(own.key)?.setEndpoints(own);
    // All destinations are looked at for that, and a gateway has thousands: only where one may be used no more.
    const named = new Set(resource.clusters.map(each => each.name));
    if (refused !== undefined || before.some(name => !named.has(name))) this.#dropUnusedClusters();
    this.#settle(entry);
    return refused;
  }

  /** Clusters are made as they are named; those that in the end nobody uses are dropped again. */
  #partsOf({ clusters }: DestinationResource): Omit<RouteParts, 'host'> {
    const configs = new Map(clusters.map(config => [config.name, config]));
    const cluster = (name: string): RunningCluster => {
      const config = configs.get(name);
      const known = this.#clusters.get(name);
      if (known !== undefined) return known;
      if (config === undefined)
        throw new Error(`a route names the cluster ${name}, which the destination does not have`);
      const made = new RunningCluster(config, this.#host);
      this.#clusters.set(name, made);
      return made;
    };
    return {
      cluster,
      random: this.#random,
      nowMs: this.#clock.monotonic(),
      routeMetrics: this.#routeMetrics,
      limitMetrics: this.#limitMetrics,
      ...(this.#edge && { edge: this.#edge }),
    };
  }

  /** Goes on with the last good one; without one nobody gets through, but with a reason. */
  #refuse(entry: Entry, resource: DestinationResource, why: string): void {
    const parts = this.#partsOf(resource);
    entry.held = resource.clusters.flatMap(({ name }) => {
      try {
        return parts.cluster(name).config.name;
      } catch {
        // It may be what is wrong.
        return [];
      }
    });
    if (entry.current === undefined || entry.current.unusable)
      entry.current = RunningDestination.unusable(resource, why, parts);
  }

  #takeEarly(name: string): void {
    const early = this.#early.get(name);
    if (early !== undefined && this.#isFresh(early.atMs))
      this.#clusters.get(name)?.setEndpoints(early.resource);
    this.#early.delete(name);
  }

  applyEndpoints(resource: EndpointsResource): string | undefined {
    const cluster = this.#clusters.get(resource.key);
    if (cluster === undefined) {
      if (this.#early.size < MAX_DESTINATIONS)
        this.#early.set(resource.key, { resource, atMs: this.#clock.monotonic() });
      return undefined;
    }
    cluster.setEndpoints(resource);
    for (const entry of this.#entries.values()) if (entry.waiters.length > 0) this.#settle(entry);
    return undefined;
  }

  /** Forgets what has been idle. Called now and then. */
  expire(): void {
    const before = this.#clock.monotonic() - this.#times.idleMs;
    for (const [key, entry] of this.#entries) {
      if (entry.usedMs >= before || entry.waiters.length > 0 || this.#kept.has(key) || this.#isBusy(entry))
        continue;
      this.#forget(key);
    }
    for (const [key, { atMs }] of this.#early) if (!this.#isFresh(atMs)) this.#early.delete(key);
    this.#dropUnusedClusters();
  }

  #isFresh(atMs: number): boolean {
    return this.#clock.monotonic() - atMs < earlyMs;
  }

  /** Lets every cluster go. */
  close(): void {
    this.#entries.clear();
    this.#dropUnusedClusters();
  }

  get keys(): IterableIterator<string> {
    return this.#entries.keys();
  }
  get clusters(): IterableIterator<RunningCluster> {
    return this.#clusters.values();
  }
  hasCluster(name: string): boolean {
    return this.#clusters.has(name);
  }
  get running(): RunningDestination[] {
    return [...this.#entries.values()].flatMap(entry => (entry.current === undefined ? [] : [entry.current]));
  }

  /** Tells those who wait, once the destination and the endpoints of all its clusters are there. */
  #settle(entry: Entry): void {
    const { current } = entry;
    if (current === undefined || entry.waiters.length === 0) return;
    if (this.#isComplete(current)) this.#answer(entry, current);
  }

  /** Whether the endpoints of all its clusters have been told. */
  #isComplete(destination: RunningDestination): boolean {
    for (const config of destination.resource.clusters)
      if (this.#clusters.get(config.name)?.known === false) return false;
    return true;
  }

  #timedOut(entry: Entry): void {
    entry.stopWaiting = undefined;
    this.timeouts++;
    this.#answer(entry, entry.current ?? 'timeout');
  }

  #answer(entry: Entry, answer: DestinationAnswer): void {
    entry.stopWaiting?.();
    entry.stopWaiting = undefined;
    // Each guards itself and closes what is its own; this is so that one cannot keep the answer from the others.
    for (const waiter of entry.waiters.splice(0)) guarded('destination', waiter)(answer);
  }

  #isBusy(entry: Entry): boolean {
    return (
      entry.current?.resource.clusters.some(config => {
        const occupancy = this.#clusters.get(config.name)?.occupancy;
        return occupancy !== undefined && (occupancy.requests > 0 || occupancy.connections > 0);
      }) ?? false
    );
  }

  #forget(key: string): void {
    this.#entries.delete(key);
    this.#source.forget(key);
  }

  /** Forgets those that were used longest ago, never one that somebody waits for or talks through. False when there is none. */
  #makeRoom(): boolean {
    const nowMs = this.#clock.monotonic();
    if (nowMs - this.#noRoomMs < searchEveryMs) return false;
    const idle = [...this.#entries].filter(
      ([key, entry]) => entry.waiters.length === 0 && !this.#kept.has(key) && !this.#isBusy(entry),
    );
    idle.sort(([, left], [, right]) => left.usedMs - right.usedMs);
    for (const [key] of idle.slice(0, forgottenAtOnce)) this.#forget(key);
    this.#dropUnusedClusters();
    if (idle.length === 0) this.#noRoomMs = nowMs;
    return idle.length > 0;
  }

  #dropUnusedClusters(): void {
    const used = new Set<string>();
    for (const { current, held } of this.#entries.values()) {
      for (const config of current?.resource.clusters ?? []) used.add(config.name);
      for (const name of held) used.add(name);
    }
    for (const [name, cluster] of this.#clusters) {
      if (used.has(name)) continue;
      cluster.close();
      this.#clusters.delete(name);
    }
  }
}
