import type { OutlierSettings } from '../model/index.ts';
import type { Clock } from '../time/index.ts';

/** How one try at an endpoint ended, as far as its health is concerned. */
export type Outcome = 'success' | 'error-5xx' | 'gateway-error' | 'connect-failure';

/** Why an endpoint was taken out. */
export type EjectionReason =
  | 'consecutive-5xx'
  | 'consecutive-gateway-errors'
  | 'consecutive-connect-failures';

/** Whether an endpoint takes part. */
export type Health =
  | { readonly state: 'healthy' }
  | {
      readonly state: 'ejected';
      readonly reason: EjectionReason;
      readonly sinceMs: number;
      readonly untilMs: number;
    }
  /** Back on trial: OutlierSettings.trial. */
  | { readonly state: 'half-open'; readonly sinceMs: number };

const healthy: Health = { state: 'healthy' };

/** The record of one endpoint. */
export class EndpointHealth {
  health: Health = healthy;
  /** Ejections so far that have not been forgiven; the next one lasts (n + 1) times the base time. */
  multiplier = 0;
  forgivenMs = 0;
  errors5xx = 0;
  gatewayErrors = 0;
  connectFailures = 0;
  /** Successes in a row while it is on trial. */
  successes = 0;
  /** Whether a success is worth being told of. */
  unsettled = false;

  /** Counts an outcome and tells whether a limit is reached. */
  record(outcome: Outcome, settings: OutlierSettings): EjectionReason | undefined {
    this.unsettled = outcome !== 'success';
    if (outcome === 'success') {
      this.errors5xx = 0;
      this.gatewayErrors = 0;
      this.connectFailures = 0;
      return undefined;
    }
    // Envoy counts a connect failure as a gateway error and as a 5xx, a gateway error as a 5xx.
    this.errors5xx++;
    if (outcome === 'error-5xx') this.gatewayErrors = 0;
    else this.gatewayErrors++;
    if (outcome === 'connect-failure') this.connectFailures++;
    else this.connectFailures = 0;
    if (reached(this.connectFailures, settings.consecutiveConnectFailures))
      return 'consecutive-connect-failures';
    if (reached(this.gatewayErrors, settings.consecutiveGatewayErrors)) return 'consecutive-gateway-errors';
    if (reached(this.errors5xx, settings.consecutive5xx)) return 'consecutive-5xx';
    return undefined;
  }

  get ejected(): boolean {
    return this.health.state === 'ejected';
  }

  /** Lets it in on trial. */
  try(nowMs: number): void {
    this.clear();
    this.health = { state: 'half-open', sinceMs: nowMs };
    this.unsettled = true;
  }

  /** Forgets failures and lets the endpoint in; how often it was ejected stays known. */
  clear(): void {
    this.health = healthy;
    this.errors5xx = 0;
    this.gatewayErrors = 0;
    this.connectFailures = 0;
    this.successes = 0;
    this.unsettled = false;
  }
}

function reached(count: number, limit: number): boolean {
  return limit > 0 && count >= limit;
}

/** Decides ejections for one cluster. It changes EndpointHealth only; the cluster rebuilds its list of candidates. */
export class OutlierDetector {
  settings: OutlierSettings;
  readonly #clock: Clock;

  constructor(settings: OutlierSettings, clock: Clock) {
    this.settings = settings;
    this.#clock = clock;
  }

  /**
   * Whether `health` may be ejected while `ejected` of `total` are: not beyond the percentage (at least one, as in Envoy), and
   * never the last.
   */
  mayEject(ejected: number, total: number): boolean {
    if (!this.settings.enabled || ejected + 1 >= total) return false;
    const allowed = Math.max(1, Math.floor((total * this.settings.maxEjectionPercent) / 100));
    return this.settings.maxEjectionPercent > 0 && ejected + 1 <= allowed;
  }

  /** Takes the endpoint out. Returns for how long, milliseconds. */
  eject(endpoint: EndpointHealth, reason: EjectionReason): number {
    const nowMs = this.#clock.monotonic();
    endpoint.multiplier++;
    const forMs = Math.min(
      this.settings.baseEjectionTimeMs * endpoint.multiplier,
      this.settings.maxEjectionTimeMs,
    );
    endpoint.health = { state: 'ejected', reason, sinceMs: nowMs, untilMs: nowMs + forMs };
    return forMs;
  }

  /** Lets the endpoint back in if its time is over, on trial where there is one. Returns whether it did. */
  release(endpoint: EndpointHealth): boolean {
    if (endpoint.health.state !== 'ejected' || endpoint.health.untilMs > this.#clock.monotonic())
      return false;
    if (this.settings.trial === undefined) endpoint.clear();
    else endpoint.try(this.#clock.monotonic());
    endpoint.forgivenMs = this.#clock.monotonic();
    return true;
  }

  /** For each interval without an ejection the next one gets shorter again. */
  forgive(endpoint: EndpointHealth): void {
    const nowMs = this.#clock.monotonic();
    while (
      endpoint.multiplier > 0 &&
      !endpoint.ejected &&
      nowMs - endpoint.forgivenMs >= this.settings.intervalMs
    ) {
      endpoint.multiplier--;
      endpoint.forgivenMs += this.settings.intervalMs;
    }
  }
}
