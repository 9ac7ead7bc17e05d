import { type Guarded, guarded } from '../errors/index.ts';

/** Something that has to be written. */
export interface Pushable extends Guarded {
  /** Writes what is pending, as far as it can be written now. */
  flush(): void;
}

/** How many streams are flushed before the process looks after something else. */
const perTurn = 64;

/** Flushes streams soon, each once however often it was added, and in turns, so that a change for thousands blocks nobody. */
export class PushQueue {
  readonly #waiting = new Set<Pushable>();
  #scheduled = false;

  add(stream: Pushable): void {
    this.#waiting.add(stream);
    this.#schedule();
  }

  remove(stream: Pushable): void {
    this.#waiting.delete(stream);
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#run());
  }

  #run(): void {
    this.#scheduled = false;
    let left = perTurn;
    for (const stream of this.#waiting) {
      if (left-- === 0) break;
      this.#waiting.delete(stream);
      guarded('discovery.push', () => stream.flush(), stream)();
    }
    if (this.#waiting.size > 0) this.#schedule();
  }
}
