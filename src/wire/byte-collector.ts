import { noteGrowth } from './crowding.ts';

const smallestBytes = 512;

/**
 * Bytes of one connection that are kept until there are enough of them. They lie in one buffer that doubles when it is full, so
 * that pieces of one byte cost no more than pieces of many (joining what is there with each piece anew costs the square of their
 * number).
 */
export class ByteCollector {
  #buffer: Buffer | undefined;
  #used = 0;

  /** How many bytes there are. */
  get length(): number {
    return this.#used;
  }

  /** All of them; undefined when there are none. Stays as it is when more are added. */
  get bytes(): Buffer | undefined {
    return this.#buffer?.subarray(0, this.#used);
  }

  /** Copies `bytes[start, end)` behind what is there. How many may come is for the caller to say: it knows what it waits for. */
  add(bytes: Buffer, start: number, end: number): void {
    const needed = this.#used + end - start;
    if (this.#buffer === undefined || this.#buffer.length < needed) {
      const larger = Buffer.allocUnsafeSlow(
        this.#buffer === undefined ? Math.max(smallestBytes, needed) : needed * 2,
      );
      noteGrowth(larger.length);
      this.#buffer?.copy(larger, 0, 0, this.#used);
      this.#buffer = larger;
    }
    bytes.copy(this.#buffer, this.#used, start, end);
    this.#used = needed;
  }
}
