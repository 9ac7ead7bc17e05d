import { noteGrowth } from './crowding.ts';
import { frugal } from './holding.ts';
import { giveBack, SCRATCH_BYTES } from './scratch.ts';

/** Part of what waits. */
interface Piece {
  /** As long as a scratch buffer where it is one, else as long as what it holds. */
  readonly bytes: Buffer;
  used: number;
}

/** From here on a scratch buffer is kept as it is, and what follows is put behind it; less is copied into a buffer of its own. */
const keptBytes = SCRATCH_BYTES / 4;

/** What waits because the kernel has not taken what was written before. */
export class WriteQueue {
  /** How much it is. */
  bytes = 0;
  #pieces: Piece[] = [];

  /** Takes `from[0, length)`, of a scratch buffer. Returns whether it keeps `from`, which then is not the caller's any more. */
  add(from: Buffer, length: number): boolean {
    this.bytes += length;
    const last = this.#pieces.at(-1);
    if (last !== undefined && last.used + length <= last.bytes.length) {
      from.copy(last.bytes, last.used, 0, length);
      last.used += length;
      return false;
    }
    const keeps = length >= keptBytes && !frugal;
    const bytes = keeps ? from : Buffer.allocUnsafe(length);
    if (!keeps) from.copy(bytes, 0, 0, length);
    this.#pieces.push({ bytes, used: length });
    noteGrowth(bytes.length);
    return keeps;
  }

  /** Takes out the first of it: a scratch buffer, or all that are none up to the next that is. Only when there is some. */
  take(): Piece {
    const first = this.#pieces[0]!;
    const { length } = this.#pieces;
    let count = 1;
    if (first.bytes.length !== SCRATCH_BYTES)
      while (count < length && this.#pieces[count]!.bytes.length !== SCRATCH_BYTES) count++;
    const taken = this.#pieces.splice(0, count);
    const used = count === 1 ? first.used : taken.reduce((sum, piece) => sum + piece.used, 0);
    this.bytes -= used;
    if (count === 1) return first;
    const bytes = Buffer.concat(
      taken.map(piece => piece.bytes),
      used,
    );
    return { bytes, used };
  }

  clear(): void {
    if (this.bytes === 0) return;
    for (const { bytes } of this.#pieces) giveBack(bytes);
    this.#pieces = [];
    this.bytes = 0;
  }
}
