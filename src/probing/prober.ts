import { errorMessage } from '../errors/index.ts';
import type { Cancel, Clock } from '../time/index.ts';

/** What a prober has come to. */
export interface Verdict {
  readonly healthy: boolean;
  /** Why not; '' where it is. */
  readonly message: string;
}

/** When to ask, and how often in a row the same must come before it counts. */
export interface ProberTimes {
  readonly initialDelayMs: number;
  readonly periodMs: number;
  readonly successThreshold: number;
  readonly failureThreshold: number;
}

/**
 * Asks again and again how something is, one question after the other. There is no verdict before the first threshold is reached;
 * `told` hears of each that differs from the one before.
 */
export class Prober {
  readonly #check: () => Promise<string | undefined>;
  readonly #times: ProberTimes;
  readonly #clock: Clock;
  readonly #told: (verdict: Verdict) => void;
  #cancel: Cancel = () => {};
  #stopped = false;
  #successes = 0;
  #failures = 0;
  #verdict: Verdict | undefined;

  /** `check` resolves with why it failed, or undefined. */
  constructor(
    check: () => Promise<string | undefined>,
    times: ProberTimes,
    clock: Clock,
    told: (verdict: Verdict) => void,
  ) {
    this.#check = check;
    this.#times = times;
    this.#clock = clock;
    this.#told = told;
  }

  /** Undefined until there is one. */
  get verdict(): Verdict | undefined {
    return this.#verdict;
  }

  start(): void {
    this.#cancel = this.#clock.after(this.#times.initialDelayMs, () => void this.#ask());
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }

  async #ask(): Promise<void> {
    const beganMs = this.#clock.monotonic();
    const failure = await this.#check().catch((thrown: unknown) => errorMessage(thrown));
    if (this.#stopped) return;
    this.#count(failure);
    const tookMs = this.#clock.monotonic() - beganMs;
    this.#cancel = this.#clock.after(Math.max(0, this.#times.periodMs - tookMs), () => void this.#ask());
  }

  #count(failure: string | undefined): void {
    const { successThreshold, failureThreshold } = this.#times;
    this.#successes = failure === undefined ? this.#successes + 1 : 0;
    this.#failures = failure === undefined ? 0 : this.#failures + 1;
    if (this.#successes >= successThreshold) this.#judge({ healthy: true, message: '' });
    else if (this.#failures >= failureThreshold) this.#judge({ healthy: false, message: failure! });
  }

  #judge(verdict: Verdict): void {
    const before = this.#verdict;
    if (before?.healthy === verdict.healthy && before.message === verdict.message) return;
    this.#verdict = verdict;
    this.#told(verdict);
  }
}
