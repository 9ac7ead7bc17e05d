import type { Cancel, Clock } from '../../time/index.ts';
import type { Probe } from '../kube/index.ts';
import { advance, type ProbeState, type ProbeVerdict, probeTiming, UNPROBED } from './probe-state.ts';

/** What one probe found. */
export interface ProbeOutcome {
  readonly ok: boolean;
  /** Why it failed: `HTTP 503`, `connection refused`. */
  readonly detail: string;
}

/** While a container has not been found well yet, look this often: starting takes no longer than it must. */
const eagerMs = 100;

/**
 * Probes one container again and again. Until the first success it looks more often than the period says, but a failure
 * counts towards the threshold only once per period, so that what the probe tolerates stays what its author wrote.
 */
export class Prober {
  readonly #probe: Probe;
  readonly #look: (timeoutMs: number) => Promise<ProbeOutcome>;
  readonly #clock: Clock;
  readonly #changed: (verdict: ProbeVerdict, detail: string) => void;
  #state: ProbeState = UNPROBED;
  #countedAtMs = Number.NEGATIVE_INFINITY;
  #stopped = false;
  #cancel: Cancel = () => {};

  /** `changed` is called whenever the verdict changes, and at every counted failure once it is `failure`. */
  constructor(
    probe: Probe,
    look: (timeoutMs: number) => Promise<ProbeOutcome>,
    clock: Clock,
    changed: (verdict: ProbeVerdict, detail: string) => void,
  ) {
    this.#probe = probe;
    this.#look = look;
    this.#clock = clock;
    this.#changed = changed;
  }

  /** Begins after the probe's initial delay. */
  start(): void {
    this.#cancel = this.#clock.after(probeTiming(this.#probe).initialDelayMs, () => void this.#turn());
  }

  /** No result counts any more. */
  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }

  async #turn(): Promise<void> {
    const timing = probeTiming(this.#probe);
    const outcome = await this.#look(timing.timeoutMs);
    if (this.#stopped) return;
    const nowMs = this.#clock.monotonic();
    const eager = this.#state.verdict !== 'success' && this.#state.successes === 0;
    // A little early is in time: timers are not exact.
    const counts = outcome.ok || !eager || nowMs - this.#countedAtMs >= timing.periodMs - 20;
    if (counts) {
      this.#countedAtMs = nowMs;
      const before = this.#state.verdict;
      this.#state = advance(this.#state, outcome.ok, timing);
      const { verdict } = this.#state;
      if (verdict !== before || (verdict === 'failure' && !outcome.ok))
        this.#changed(verdict, outcome.detail);
    }
    if (this.#stopped) return;
    const wait = outcome.ok || !eager ? timing.periodMs : Math.min(timing.periodMs, eagerMs);
    this.#cancel = this.#clock.after(wait, () => void this.#turn());
  }
}
