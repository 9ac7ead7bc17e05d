const newline = 0x0a;

/** Cuts a stream of bytes into lines of UTF-8 without their line end, none longer than a limit. */
export class LineReader {
  readonly #maxBytes: number;
  #parts: Buffer[] = [];
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
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
      const text =
        this.#parts.length === 0 ? rest.toString() : Buffer.concat([...this.#parts, rest]).toString();
      this.#parts = [];
      this.#bytes = 0;
      if (text !== '' && !line(text)) return false;
    }
    if (from === chunk.length) return true;
    const rest = chunk.subarray(from);
    this.#parts.push(rest);
    this.#bytes += rest.length;
    return this.#bytes <= this.#maxBytes;
  }
}
