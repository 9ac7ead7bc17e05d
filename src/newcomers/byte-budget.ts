/** Bytes that many may hold together, so that each may have much and all together cannot have everything. */
export class ByteBudget {
  readonly #most: number;
  #held = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** How many are held. */
  get held(): number {
    return this.#held;
  }

  /** Takes so many more; false, and nothing is taken, when they are not to be had. */
  take(bytes: number): boolean {
    if (this.#held + bytes > this.#most) return false;
    this.#held += bytes;
    return true;
  }

  /** Gives back what was taken. */
  give(bytes: number): void {
    this.#held -= bytes;
  }
}
