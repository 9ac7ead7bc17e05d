import { hashBytes } from '../http/index.ts';
import type { ClusterEndpoint, EjectionTrial } from '../model/index.ts';
import type { PeerRequests } from '../telemetry/index.ts';
import type { EndpointGroup } from './endpoint-group.ts';
import type { LatencyAverage } from './latency.ts';
import { EndpointHealth } from './outlier.ts';
import type { Pool } from './pool.ts';
import { UNBOUNDED } from './pool-settings.ts';
import type { SessionPool } from './session-pool.ts';

/** One endpoint while it runs: its connections, its health, its latency, its metrics. */
export class RunningEndpoint {
  readonly key: string;
  config: ClusterEndpoint;
  readonly pool: Pool;
  readonly latency: LatencyAverage;
  readonly health: EndpointHealth = new EndpointHealth();
  metrics: PeerRequests;
  /** Once a session has wanted one; see RunningCluster.sessionsOf. */
  sessions: SessionPool | undefined = undefined;
  /** Requests under way. */
  active = 0;
  /** So many may be: as its target says, and few while it is on trial after an ejection. */
  maxActive: number = UNBOUNDED;
  /** Taken away by discovery; it finishes what it has. */
  removed = false;
  /** Its share among others now: what it was given, and less while it starts slowly. */
  weight = 1;
  /** How far its slow start has come, 0 to 1. */
  warmth = 1;
  /** When its slow start began, on the monotonic clock; undefined when that is long over. */
  warmingSinceMs: number | undefined = undefined;
  /** The group that it belongs to while it takes requests; for EndpointGroup. */
  group: EndpointGroup | undefined = undefined;
  /** For weighted round robin: what it is owed. */
  credit = 0;
  #hashed: { readonly of: ClusterEndpoint; readonly text: string; readonly hash: number } | undefined;

  constructor(
    key: string,
    config: ClusterEndpoint,
    pool: Pool,
    latency: LatencyAverage,
    metrics: PeerRequests,
  ) {
    this.key = key;
    this.config = config;
    this.pool = pool;
    this.latency = latency;
    this.metrics = metrics;
  }

  /** Looks anew at how many requests it may have under way. `trial`: of the cluster. */
  bound(trial: EjectionTrial | undefined): void {
    const { maxRequests = UNBOUNDED } = this.config;
    const onTrial = this.health.health.state === 'half-open' && trial !== undefined;
    this.maxActive = onTrial ? Math.min(maxRequests, trial.maxRequests) : maxRequests;
  }

  /** Whether it has as many requests as it may. */
  get full(): boolean {
    return this.active >= this.maxActive;
  }

  /** What consistent hashing and sticky sessions know it by: the same in every proxy. A pod's name outlives its address. */
  get hashText(): string {
    return this.#hash().text;
  }

  /** A hash of `hashText`. */
  get hash(): number {
    return this.#hash().hash;
  }

  #hash(): { readonly text: string; readonly hash: number } {
    const { config } = this;
    if (this.#hashed?.of !== config) {
      const { pod, namespace } = config.peer;
      const text = pod === '' ? this.key : `${namespace}/${pod}:${config.port}`;
      const bytes = Buffer.from(text, 'utf8');
      this.#hashed = { of: config, text, hash: hashBytes(bytes, 0, bytes.length) };
    }
    return this.#hashed!;
  }
}
