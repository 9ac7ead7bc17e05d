import type { Guarded } from '../errors/index.ts';
import { Deadline, type TimerWheel } from '../time/index.ts';
import type { Wire } from '../wire/index.ts';

/**
 * A bound in time on lines that are collected: chunk sizes, trailers, heads of answers. It counts from the line's first byte, and
 * no further byte renews it. While the wire is stopped nothing can come, so that what was stopped for somebody else's sake is not
 * the sender's fault.
 */
export class LineDeadline {
  readonly #timers: TimerWheel;
  readonly #wire: Wire;
  readonly #timeoutMs: number;
  readonly #run: () => void;
  readonly #owner: Guarded;
  #deadline: Deadline | undefined;

  /** `owner`: see Deadline. */
  constructor(timers: TimerWheel, wire: Wire, timeoutMs: number, run: () => void, owner: Guarded) {
    this.#owner = owner;
    this.#timers = timers;
    this.#wire = wire;
    this.#timeoutMs = timeoutMs;
    this.#run = run;
  }

  /** To be told after every read whether it ended within a line. */
  watch(isWithin: boolean): void {
    if (!isWithin) this.cancel();
    else if (this.#deadline?.scheduled !== true) this.#schedule();
  }

  cancel(): void {
    if (this.#deadline?.scheduled === true) this.#timers.cancel(this.#deadline);
  }

  #schedule(): void {
    this.#deadline ??= new Deadline(() => {
      if (this.#wire.reading) this.#run();
      else this.#schedule();
    }, this.#owner);
    this.#timers.schedule(this.#deadline, this.#timeoutMs);
  }
}
