import { noteGrowth } from './crowding.ts';

/** What waits because the kernel has not taken what was written before. */
export class WriteQueue {
  /** How much it is. */
  bytes = 0;
  #pieces: Buffer[] = [];

  /** Copies `from[0, length)`. */
  add(from: Buffer, length: number): void {
    const copied = Buffer.allocUnsafe(length);
    from.copy(copied, 0, 0, length);
    this.#pieces.push(copied);
    this.bytes += length;
    noteGrowth(length);
  }

  /** All of it as one, which is taken out. */
  take(): Buffer {
    const pieces = this.#pieces;
    const all = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces, this.bytes);
    this.clear();
    return all;
  }

  clear(): void {
    this.#pieces = [];
    this.bytes = 0;
  }
}
