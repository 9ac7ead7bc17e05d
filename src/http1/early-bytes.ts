/** What came of the next requests before the answer to this one was complete. */
export class EarlyBytes {
  #bytes: Buffer | undefined;
  #at = 0;
  /** Those that are being read now. */
  #replayed: Buffer | undefined;

  get empty(): boolean {
    return this.#bytes === undefined;
  }

  keep(bytes: Buffer, start: number, end: number): void {
    // The rest of what was kept already stays where it is: copied for every request, a read full of them would be copied in
    // square.
    if (bytes === this.#replayed) {
      this.#bytes = bytes;
      this.#at = start;
      return;
    }
    const more = bytes.subarray(start, end);
    const before = this.#bytes;
    this.#bytes = before === undefined ? Buffer.from(more) : Buffer.concat([before.subarray(this.#at), more]);
    this.#at = 0;
  }

  /** Hands out what is there, if anything; what cannot be read yet is kept again meanwhile. */
  read(reader: (bytes: Buffer, start: number, end: number) => void): void {
    const bytes = this.#bytes;
    if (bytes === undefined) return;
    this.#bytes = undefined;
    this.#replayed = bytes;
    reader(bytes, this.#at, bytes.length);
    this.#replayed = undefined;
  }

  clear(): void {
    this.#bytes = undefined;
  }
}
