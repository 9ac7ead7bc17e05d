import type { ByteBudget } from '../newcomers/index.ts';

/** What one newcomer's line whose end has not come takes of the bytes that all newcomers may hold. */
export class HeldBytes {
  readonly #budget: ByteBudget;
  #bytes = 0;

  constructor(budget: ByteBudget) {
    this.#budget = budget;
  }

  /** Holds this many from now on; false when all newcomers hold too much already, and then none. */
  hold(bytes: number): boolean {
    this.release();
    if (!this.#budget.take(bytes)) return false;
    this.#bytes = bytes;
    return true;
  }

  release(): void {
    this.#budget.give(this.#bytes);
    this.#bytes = 0;
  }
}
