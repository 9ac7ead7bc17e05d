import type { RetryBudget as RetryBudgetSettings } from '../model/index.ts';
import type { Clock } from '../time/index.ts';

/** Parts of a window. Requests count for as long as they are certainly inside it, retries for as long as they may be. */
const requestSlots = 10;
const slots = requestSlots + 1;

/**
 * Bounds retries to a share of the requests of a sliding window, so that they cannot multiply an overload (Finagle's RetryBudget,
 * Linkerd's and Gateway API's retryBudget): in any window that ends with a retry at most `ratio × requests + minPerSecond ×
 * window` retries.
 */
export class RetryBudget {
  settings: RetryBudgetSettings;
  readonly #clock: Clock;
  readonly #requests: Float64Array = new Float64Array(slots);
  readonly #retries: Float64Array = new Float64Array(slots);
  #current = 0;
  #slotEndsMs: number;
  /** Retries that the budget refused. */
  exhausted = 0;
  /** First tries, all in all. */
  requests = 0;

  constructor(settings: RetryBudgetSettings, clock: Clock) {
    this.settings = settings;
    this.#clock = clock;
    this.#slotEndsMs = clock.monotonic() + settings.ttlMs / requestSlots;
  }

  /** A first try was made. */
  recordRequest(nowMs: number): void {
    if (nowMs >= this.#slotEndsMs) this.#turn(nowMs);
    this.#requests[this.#current]!++;
    this.requests++;
  }

  /** First tries a second, on the average of the window. */
  perSecond(): number {
    const nowMs = this.#clock.monotonic();
    if (nowMs >= this.#slotEndsMs) this.#turn(nowMs);
    return (sum(this.#requests) * 1000) / this.settings.ttlMs;
  }

  /** Whether one more retry fits; if so it is counted. */
  tryRetry(): boolean {
    const nowMs = this.#clock.monotonic();
    if (nowMs >= this.#slotEndsMs) this.#turn(nowMs);
    const { ratio, minPerSecond, ttlMs } = this.settings;
    const oldest = (this.#current + 1) % slots;
    const requests = sum(this.#requests) - this.#requests[oldest]!;
    const allowed = requests * ratio + (minPerSecond * ttlMs) / 1000;
    if (sum(this.#retries) + 1 > allowed) {
      this.exhausted++;
      return false;
    }
    this.#retries[this.#current]!++;
    return true;
  }

  #turn(nowMs: number): void {
    const slotMs = this.settings.ttlMs / requestSlots;
    const passed = Math.min(slots, Math.floor((nowMs - this.#slotEndsMs) / slotMs) + 1);
    for (let i = 0; i < passed; i++) {
      this.#current = (this.#current + 1) % slots;
      this.#requests[this.#current] = 0;
      this.#retries[this.#current] = 0;
    }
    this.#slotEndsMs = Math.max(this.#slotEndsMs + passed * slotMs, nowMs);
  }
}

function sum(values: Float64Array): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i]!;
  return total;
}
