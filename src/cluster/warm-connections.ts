// Connections that are there before a request needs one: to endpoints that come new into a set whose others are called often, and
// to one that is called often and has lost its last connection. Only between proxies: a handshake costs both sides a millisecond
// of CPU, and one of the mesh keeps what nobody uses, where a server would wait for the request.
import type { UpstreamConnection } from '../http/index.ts';
import type { RunningEndpoint } from './endpoint.ts';

/** Requests a second to an endpoint, on the average of the retry budget's window, from which on it is called often. */
const OFTEN_PER_SECOND = 0.5;

/** How many a change of the set opens at most; the others get theirs with their first request. */
const MOST_AT_ONCE = 8;

/** A connection that lay idle for longer than this was not one of an endpoint that is called often. */
const OFTEN_USED_MS = 1000 / OFTEN_PER_SECOND;

/** Whether one that is gone carried requests until a moment ago. Those that were closed here have no time; see `letGo`. */
export function wasUsed({ requests, active, freeSinceMs }: UpstreamConnection, nowMs: number): boolean {
  if (requests === 0 || freeSinceMs === Number.NEGATIVE_INFINITY) return false;
  return active > 0 || nowMs - freeSinceMs < OFTEN_USED_MS;
}

/** What carries an endpoint's requests: connections for one at a time, such for many, or both beside each other. */
export interface Use {
  readonly single: boolean;
  readonly shared: boolean;
}

/** What is looked at of a cluster. */
export interface WarmedCluster {
  readonly endpoints: Iterable<RunningEndpoint>;
  readonly size: number;
  readonly budget: { readonly requests: number; perSecond(): number };
  readonly random: () => number;
}

/** Opens such connections for one cluster. Costs nothing while nothing changes, and little where nobody calls. */
export class WarmConnections {
  readonly #cluster: WarmedCluster;
  /** Of the last endpoint that was taken away: in a rollout nobody else may be left to tell. */
  #lastUse: Use = { single: false, shared: false };
  /** How many were opened. */
  opened = 0;

  constructor(cluster: WarmedCluster) {
    this.#cluster = cluster;
  }

  /** An endpoint is taken away, with its connections still open. */
  leaves({ pool }: RunningEndpoint): void {
    const { use } = pool;
    if (use.single || use.shared) this.#lastUse = use;
  }

  /** Endpoints have come, and requests may go to them from now on. */
  come(endpoints: readonly RunningEndpoint[]): void {
    if (endpoints.length === 0 || !this.#isOften()) return;
    const use = this.#use();
    let left = MOST_AT_ONCE;
    const from = endpoints.length > left ? Math.floor(this.#cluster.random() * endpoints.length) : 0;
    for (let i = 0; i < endpoints.length && left > 0; i++)
      if (this.#warm(endpoints[(from + i) % endpoints.length]!, use)) left--;
  }

  /** An endpoint has lost the last connection that carries requests so, which was in use of late. */
  lost(endpoint: RunningEndpoint, use: Use): void {
    if (this.#isOften()) this.#warm(endpoint, use);
  }

  /** One that takes no requests now, because it was ejected or others are nearer, has no group. */
  #warm(endpoint: RunningEndpoint, use: Use): boolean {
    const { config, removed, group, health, pool } = endpoint;
    if (config.tls !== 'mesh' || removed || group === undefined || health.ejected) return false;
    const opened = pool.warm(use);
    this.opened += opened;
    return opened > 0;
  }

  #isOften(): boolean {
    const { budget, size } = this.#cluster;
    return budget.requests > 0 && budget.perSecond() >= OFTEN_PER_SECOND * size;
  }

  #use(): Use {
    let { single, shared } = this.#lastUse;
    for (const { pool } of this.#cluster.endpoints) {
      const { use } = pool;
      single ||= use.single;
      shared ||= use.shared;
    }
    return { single, shared };
  }
}
