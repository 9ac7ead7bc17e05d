/** Compressed flag and length, before each message. */
const prefixBytes = 5;

/**
 * Counts the messages of one direction of a call, in whatever pieces their bytes come, without keeping any: a flag of one byte, a
 * length of four, and as many bytes (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md). One object serves the calls
 * of a stream, one after the other.
 */
export class Messages {
  /** Messages whose last byte has come. */
  count = 0;
  /** Bytes of the prefix that have come; prefixBytes while its message comes. */
  #prefix = 0;
  /** The length so far while the prefix comes, then what is to come of the message. */
  #left = 0;

  /** Forgets the call. */
  clear(): void {
    this.count = 0;
    this.#prefix = 0;
    this.#left = 0;
  }

  /** Whether what has come so far ends with a whole message: there, and nowhere else, the call can be ended in order. */
  get between(): boolean {
    return this.#prefix === 0;
  }

  /** Takes a piece of the body into account. The answer is how many messages it completes. */
  add(bytes: Uint8Array, start: number, end: number): number {
    const before = this.count;
    let at = start;
    while (at < end) {
      if (this.#prefix < prefixBytes) {
        // The first byte is the flag; four of the length follow, the highest first.
        this.#left = this.#prefix === 0 ? 0 : this.#left * 256 + bytes[at]!;
        at++;
        if (++this.#prefix < prefixBytes || this.#left > 0) continue;
      } else {
        const taken = Math.min(this.#left, end - at);
        this.#left -= taken;
        at += taken;
        if (this.#left > 0) break;
      }
      this.#prefix = 0;
      this.count++;
    }
    return this.count - before;
  }
}
