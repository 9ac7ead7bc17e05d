import type { Clock } from '../time/index.ts';

/** Which spans are reported although their trace is not sampled. */
export interface KeepSettings {
  /** Of requests that took this long or longer, milliseconds; 0 for none. */
  readonly slowMs: number;
  /** At most so many in a second on average, so that an outage does not become one of the collector too; 0 for none. */
  readonly perSecond: number;
}

export const DEFAULT_KEEP: KeepSettings = { slowMs: 1_000, perSecond: 10 };

/** Why a span of a trace that is not sampled is reported. */
export type KeptFor = 'error' | 'slow';

/**
 * Decides at the end of a request what nobody could know at its beginning. Each proxy decides for its own span alone: a failure
 * is seen by every proxy that it went through, so its path is whole, and what went well beside it is missing.
 */
export class Keeping {
  /** Not reported because there were too many. */
  refused = 0;
  readonly #settings: KeepSettings;
  readonly #clock: Clock;
  #tokens: number;
  #atMs: number;

  constructor(settings: KeepSettings, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
    this.#tokens = settings.perSecond;
    this.#atMs = clock.monotonic();
  }

  /** Undefined: not kept. */
  why(failed: boolean, durationMs: number): KeptFor | undefined {
    const { slowMs } = this.#settings;
    const why = failed ? 'error' : slowMs > 0 && durationMs >= slowMs ? 'slow' : undefined;
    return why !== undefined && this.#take() ? why : undefined;
  }

  #take(): boolean {
    const { perSecond } = this.#settings;
    const nowMs = this.#clock.monotonic();
    this.#tokens = Math.min(perSecond, this.#tokens + ((nowMs - this.#atMs) / 1000) * perSecond);
    this.#atMs = nowMs;
    if (this.#tokens < 1) {
      this.refused++;
      return false;
    }
    this.#tokens--;
    return true;
  }
}
