import type { OutlierSettings } from '../model/index.ts';
import type { Log } from '../telemetry/index.ts';
import { type Clock, Deadline, type TimerWheel } from '../time/index.ts';
import type { RunningEndpoint } from './endpoint.ts';
import { type EjectionReason, type Outcome, OutlierDetector } from './outlier.ts';

/** One ejection, for the log, the admin page and metrics. */
export interface Ejection {
  readonly endpoint: string;
  readonly pod: string;
  readonly reason: EjectionReason;
  readonly atMs: number;
  readonly forMs: number;
}

const ejectionsKept = 20;

/** Why one is out again that has failed on trial. */
const reasonOf: Readonly<Record<Exclude<Outcome, 'success'>, EjectionReason>> = {
  'error-5xx': 'consecutive-5xx',
  'gateway-error': 'consecutive-gateway-errors',
  'connect-failure': 'consecutive-connect-failures',
};

/** The cluster whose endpoints are ejected. */
export interface EjectionsOwner {
  readonly config: { readonly name: string };
  readonly endpoints: Iterable<RunningEndpoint>;
  /** How many endpoints there are, and how many of them take requests. */
  readonly size: number;
  readonly healthy: number;
  /** Others take requests from now on. */
  onEjectionsChanged(): void;
}

/** What ejections need from the process around them. */
export interface EjectionsHost {
  readonly clock: Clock;
  readonly timers: TimerWheel;
  readonly log: Log;
}

/** Which endpoints of a cluster are out for a while because they failed, and when each comes back. */
export class Ejections {
  /** Counted when they happen; rendered as weft_ejections_total. */
  readonly counts: Record<EjectionReason, number> = {
    'consecutive-5xx': 0,
    'consecutive-gateway-errors': 0,
    'consecutive-connect-failures': 0,
  };
  readonly recent: Ejection[] = [];
  readonly #host: EjectionsHost;
  readonly #cluster: EjectionsOwner;
  readonly #detector: OutlierDetector;
  readonly #review: Deadline;

  constructor(settings: OutlierSettings, host: EjectionsHost, cluster: EjectionsOwner) {
    this.#host = host;
    this.#cluster = cluster;
    this.#detector = new OutlierDetector(settings, host.clock);
    // Without it nobody would ever come back.
    const again = (): void => this.#reviewIn(this.#detector.settings.intervalMs);
    this.#review = new Deadline(() => this.#reviewAll(), { onFault: again });
  }

  /** Takes new settings on. Where there are to be no ejections, all come back. */
  configure(settings: OutlierSettings): void {
    this.#detector.settings = settings;
    if (!settings.enabled) for (const { health } of this.#cluster.endpoints) health.clear();
  }

  /** Tells how a try ended. */
  record(endpoint: RunningEndpoint, outcome: Outcome): void {
    const { health } = endpoint;
    const { settings } = this.#detector;
    if (!settings.enabled || endpoint.removed || health.ejected) return;
    if (health.health.state === 'half-open') {
      this.#tried(endpoint, outcome);
      return;
    }
    const reason = health.record(outcome, settings);
    const { size, healthy } = this.#cluster;
    if (reason !== undefined && this.#detector.mayEject(size - healthy, size)) this.#eject(endpoint, reason);
  }

  /** One that is on trial has been asked. */
  #tried(endpoint: RunningEndpoint, outcome: Outcome): void {
    const { health } = endpoint;
    const { size, healthy } = this.#cluster;
    if (outcome !== 'success') {
      health.successes = 0;
      if (this.#detector.mayEject(size - healthy, size)) this.#eject(endpoint, reasonOf[outcome]);
      return;
    }
    const { trial } = this.#detector.settings;
    if (trial !== undefined && ++health.successes < trial.successes) return;
    health.clear();
    this.#cluster.onEjectionsChanged();
    const fields = { cluster: this.#cluster.config.name, endpoint: endpoint.key };
    this.#host.log.info(fields, 'endpoint well again: it has come through its trial');
  }

  /** Nobody comes back any more. */
  close(): void {
    this.#host.timers.cancel(this.#review);
  }

  #eject(endpoint: RunningEndpoint, reason: EjectionReason): void {
    const forMs = this.#detector.eject(endpoint.health, reason);
    const { pod } = endpoint.config.peer;
    this.counts[reason]++;
    this.recent.push({ endpoint: endpoint.key, pod, reason, atMs: this.#host.clock.now(), forMs });
    if (this.recent.length > ejectionsKept) this.recent.shift();
    this.#cluster.onEjectionsChanged();
    this.#reviewIn(this.#nextReleaseMs());
    // Not before others are picked: they are picked again at once, or soon.
    endpoint.pool.sendAway();
    endpoint.sessions?.sendAway();
    const fields = {
      cluster: this.#cluster.config.name,
      endpoint: endpoint.key,
      pod,
      reason,
      forMs,
      healthy: this.#cluster.healthy,
      of: this.#cluster.size,
    };
    this.#host.log.warn(fields, 'endpoint ejected: it failed too often in a row');
  }

  #nextReleaseMs(): number {
    const nowMs = this.#host.clock.monotonic();
    let nextMs = this.#detector.settings.maxEjectionTimeMs;
    for (const { health } of this.#cluster.endpoints) {
      if (health.health.state === 'ejected') nextMs = Math.min(nextMs, health.health.untilMs - nowMs);
    }
    return nextMs;
  }

  #reviewAll(): void {
    let remembered = 0;
    for (const endpoint of this.#cluster.endpoints) {
      if (this.#detector.release(endpoint.health)) {
        const fields = { cluster: this.#cluster.config.name, endpoint: endpoint.key };
        this.#host.log.info(fields, 'endpoint back after its ejection');
      }
      this.#detector.forgive(endpoint.health);
      if (endpoint.health.ejected || endpoint.health.multiplier > 0) remembered++;
    }
    this.#cluster.onEjectionsChanged();
    if (remembered === 0) return;
    const { size, healthy } = this.#cluster;
    this.#reviewIn(healthy < size ? this.#nextReleaseMs() : this.#detector.settings.intervalMs);
  }

  #reviewIn(ms: number): void {
    this.#host.timers.schedule(this.#review, Math.max(10, ms));
  }
}
