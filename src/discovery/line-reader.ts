const newline = 0x0a;

/**
 * Cuts a stream of bytes into lines of UTF-8 without their line end, none longer than a limit. What is no whole line yet lies in
 * one buffer that doubles, so that a line in pieces of one byte holds no more memory than itself.
 */
export class LineReader {
  readonly #maxBytes: number;
  #kept = Buffer.alloc(0);
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes of a line whose end has not come. */
  get pendingBytes(): number {
    return this.#bytes;
  }

  /**
   * Calls `line` for every line that `chunk` completes, until it returns false. Returns false when a line is too long or `line`
   * said so: nothing may be pushed afterwards.
   */
  push(chunk: Buffer, line: (text: string) => boolean): boolean {
    let from = 0;
    for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, from)) {
      const rest = chunk.subarray(from, at);
      from = at + 1;
      if (this.#bytes + rest.length > this.#maxBytes) return false;
      const text = this.#bytes === 0 ? rest.toString() : this.#complete(rest);
      if (text !== '' && !line(text)) return false;
    }
    if (from === chunk.length) return true;
    if (this.#bytes + chunk.length - from > this.#maxBytes) return false;
    this.#keep(chunk.subarray(from));
    return true;
  }

  #complete(rest: Buffer): string {
    this.#keep(rest);
    const text = this.#kept.toString('utf8', 0, this.#bytes);
    this.#kept = Buffer.alloc(0);
    this.#bytes = 0;
    return text;
  }

  #keep(rest: Buffer): void {
    const needed = this.#bytes + rest.length;
    if (this.#kept.length < needed) {
      const larger = Buffer.allocUnsafe(Math.min(this.#maxBytes, Math.max(256, needed * 2)));
      this.#kept.copy(larger, 0, 0, this.#bytes);
      this.#kept = larger;
    }
    rest.copy(this.#kept, this.#bytes);
    this.#bytes = needed;
  }
}
