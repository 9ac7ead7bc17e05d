import type { Cancel, Clock } from '../time/index.ts';
import type { MemoryUse } from './governor.ts';

/** What is asked of the machine. */
export interface ReclaimMachine {
  /** What is used now, garbage included. Cheap. */
  use(): MemoryUse;
  /** Gives what malloc keeps and nobody uses back to the kernel: a few milliseconds at most. */
  trim(): void;
  /** Collects V8's garbage, gives its pages back, and trims: 25 ms of CPU and more, 256 ms on a busy machine. */
  collect(): void;
}

const MB = 2 ** 20;
const lookEveryMs = 2_000;
/** Growth since the last trim from which another is worth its milliseconds. */
const trimBytes = 2 * MB;
/** The same of collections; V8's young generation comes and goes within that. */
const collectBytes = 5 * MB;
/** So many looks in a row nothing was under way. */
const quietLooks = 3;
/** A collection of a larger heap might take seconds, in which no request is answered: V8 does that by and by, when it must. */
const largestHeapBytes = 96 * MB;
/** After a collection: at least so many times what it took. */
const collectPause = 1_000;

/**
 * Gives back what a process no longer needs. Start and the first requests leave much behind: what V8's compiler had needed, code
 * that ran once, objects that nobody collects because V8 sees no shortage. Without pressure it stays resident for as long as the
 * process lives, a third of a sidecar and more. So malloc's free memory goes back whenever memory has grown, and V8's garbage
 * once nothing is under way: never while requests wait.
 */
export class Reclaimer {
  readonly #clock: Clock;
  readonly #machine: ReclaimMachine;
  readonly #isQuiet: () => boolean;
  #trimmed = 0;
  #collected = 0;
  #quiet = 0;
  #notBeforeMs = 0;
  /** What looks have given back so far. */
  returnedBytes = 0;

  /** `isQuiet`: whether nothing would have to wait now. */
  constructor(clock: Clock, machine: ReclaimMachine, isQuiet: () => boolean) {
    this.#clock = clock;
    this.#machine = machine;
    this.#isQuiet = isQuiet;
  }

  start(): Cancel {
    return this.#clock.every(lookEveryMs, () => this.look());
  }

  look(): void {
    this.#quiet = this.#isQuiet() ? this.#quiet + 1 : 0;
    const { residentBytes, heapBytes } = this.#machine.use();
    this.#trimmed = Math.min(this.#trimmed, residentBytes);
    const nowMs = this.#clock.monotonic();
    if (
      this.#quiet >= quietLooks &&
      residentBytes - this.#collected >= collectBytes &&
      heapBytes <= largestHeapBytes &&
      nowMs >= this.#notBeforeMs
    ) {
      this.#machine.collect();
      const endMs = this.#clock.monotonic();
      this.#notBeforeMs = endMs + (endMs - nowMs) * collectPause;
      this.#collected = this.#after(residentBytes);
    } else if (residentBytes - this.#trimmed >= trimBytes) {
      this.#machine.trim();
      this.#after(residentBytes);
    }
  }

  #after(beforeBytes: number): number {
    const { residentBytes } = this.#machine.use();
    this.returnedBytes += Math.max(0, beforeBytes - residentBytes);
    this.#trimmed = residentBytes;
    return residentBytes;
  }
}
