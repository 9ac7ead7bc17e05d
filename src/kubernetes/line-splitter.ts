/** Cuts a stream of bytes into lines; a line that grows over the limit ends it. */
export class LineSplitter {
  readonly #maxBytes: number;
  #parts: Buffer[] = [];
  #length = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Hands every whole line to `onLine` until that returns false. */
  push(chunk: Buffer, onLine: (line: string) => boolean): 'going' | 'stopped' | 'too-long' {
    let from = 0;
    for (let end = chunk.indexOf(0x0a, from); end >= 0; end = chunk.indexOf(0x0a, from)) {
      const line = this.#finish(chunk.subarray(from, end));
      from = end + 1;
      if (line.trim() !== '' && !onLine(line)) return 'stopped';
    }
    if (from < chunk.length) {
      this.#parts.push(chunk.subarray(from));
      this.#length += chunk.length - from;
    }
    return this.#length > this.#maxBytes ? 'too-long' : 'going';
  }

  #finish(last: Buffer): string {
    if (this.#parts.length === 0) return last.toString('utf8');
    this.#parts.push(last);
    const line = Buffer.concat(this.#parts).toString('utf8');
    this.#parts = [];
    this.#length = 0;
    return line;
  }
}
