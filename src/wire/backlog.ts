/** What a connection has received while its handler did not read, and maybe its end. */
export class Backlog {
  readonly #pieces: Buffer[] = [];
  /** Nothing follows what is here. */
  ended = false;

  /** Copies them. */
  add(bytes: Buffer): void {
    this.#pieces.push(Buffer.from(bytes));
  }

  /** The oldest, which is taken out; undefined where nothing is left. */
  next(): Buffer | undefined {
    return this.#pieces.shift();
  }
}
