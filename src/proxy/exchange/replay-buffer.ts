import { noteGrowth } from '../../wire/index.ts';

/** Request bodies up to this size can be sent again. */
export const MAX_REPLAY_BYTES = 64 * 1024;

/** The request body so far, kept while the request may have to be sent (again). */
export class ReplayBuffer {
  #pieces: Buffer[] = [];
  #bytes = 0;
  #dropped = false;

  /** Starts over. */
  clear(): void {
    if (this.#bytes > 0) this.#pieces = [];
    this.#bytes = 0;
    this.#dropped = false;
  }

  /** Keeps a copy; gives up when it gets too large and `mustKeep` is false. */
  add(bytes: Buffer, start: number, end: number, mustKeep: boolean): void {
    if (this.#dropped) return;
    if (this.#bytes + end - start > MAX_REPLAY_BYTES && !mustKeep) {
      this.drop();
      return;
    }
    this.#pieces.push(Buffer.from(bytes.subarray(start, end)));
    this.#bytes += end - start;
    noteGrowth(end - start);
  }

  /** No more needed. */
  drop(): void {
    this.#pieces = [];
    this.#bytes = 0;
    this.#dropped = true;
  }

  /** Whether everything since `clear` is here. */
  get complete(): boolean {
    return !this.#dropped;
  }

  get full(): boolean {
    return this.#bytes >= MAX_REPLAY_BYTES;
  }

  get empty(): boolean {
    return this.#bytes === 0;
  }

  get pieces(): readonly Buffer[] {
    return this.#pieces;
  }
}
