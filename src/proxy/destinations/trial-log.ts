import type { JudgedCaller, Trial } from '../../authorization/index.ts';
import type { Log } from '../../telemetry/index.ts';
import type { Clock } from '../../time/index.ts';

/** A line for each policy and caller, no more often. */
const everyMs = 10_000;
const maxKnown = 1000;

/** Says in the log what policies that are only tried would have refused. */
export class TrialLog {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #last = new Map<string, number>();

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  readonly note = ({ outcome, words }: Trial, { principal, address }: JudgedCaller): void => {
    if (outcome === 'would-allow') return;
    const key = `${words} ${principal === '' ? address : principal}`;
    const nowMs = this.#clock.monotonic();
    const last = this.#last.get(key);
    if (last !== undefined && nowMs - last < everyMs) return;
    if (this.#last.size >= maxKnown) this.#last.clear();
    this.#last.set(key, nowMs);
    this.#log.info({ principal, address }, `a policy that is tried would have refused a caller: ${words}`);
  };
}
