import type { Head } from '../http/index.ts';
import { noteGrowth } from '../wire/index.ts';
import { FAULT, INCOMPLETE } from './faults.ts';

/** Parses a head at `bytes[start, end)`; see parse-head.ts for the result. */
export type ParseHead = (head: Head, bytes: Buffer, start: number, end: number) => number;

/** How `offer` ended when it was not a fault. `consumed` counts from the offered `start`. */
export interface Offered {
  /** > 0: the head is complete; 0: more bytes are needed; < 0: FAULT. */
  result: number;
  /** Offset in the offered bytes after what belongs to the head. */
  next: number;
}

/** However large a head has become, it is looked at again after so many more bytes, so that one over a limit is refused soon. */
const longestWaitBytes = 16 * 1024;

const headEnd = Buffer.from('\r\n\r\n', 'latin1');

/**
 * Collects a head that arrives in pieces. A head that is complete in one read, nearly every one, is parsed where it lies.
 * Otherwise bytes collect here, and the head is parsed again when its end is there or when it has doubled or grown by 16 KiB, so
 * that neither a trickle of single bytes costs quadratic time nor a malformed start waits for an end that never comes.
 */
export class HeadBuffer {
  readonly #parse: ParseHead;
  readonly #maxBytes: number;
  readonly #offered: Offered = { result: 0, next: 0 };
  #bytes: Buffer | undefined;
  #used = 0;
  #searched = 0;
  #parsedAt = 0;

  constructor(parse: ParseHead, maxBytes: number) {
    this.#parse = parse;
    this.#maxBytes = maxBytes;
  }

  /** Whether part of a head has arrived. */
  get partial(): boolean {
    return this.#used > 0;
  }

  /** Adds `bytes[start, end)`. The returned object is reused by the next call. */
  offer(head: Head, bytes: Buffer, start: number, end: number): Offered {
    const offered = this.#offered;
    if (this.#used === 0) {
      offered.result = this.#parse(head, bytes, start, end);
      if (offered.result === INCOMPLETE) {
        this.#append(bytes, start, end);
        this.#parsedAt = this.#used;
        offered.next = end;
      } else offered.next = offered.result;
      return offered;
    }
    const before = this.#used;
    this.#append(bytes, start, end);
    offered.next = end;
    const found = this.#bytes!.subarray(0, this.#used).indexOf(headEnd, Math.max(0, this.#searched - 3));
    this.#searched = this.#used;
    const parseAt = Math.min(this.#parsedAt * 2, this.#parsedAt + longestWaitBytes, this.#maxBytes + 1);
    if (found < 0 && this.#used < parseAt) {
      offered.result = INCOMPLETE;
      return offered;
    }
    this.#parsedAt = this.#used;
    offered.result = this.#parse(head, this.#bytes!, 0, this.#used);
    if (offered.result > 0) {
      offered.next = start + offered.result - before;
      // The head goes on pointing into the buffer, which is therefore given up with it.
      this.clear();
    } else if (offered.result === INCOMPLETE && this.#used > this.#maxBytes)
      offered.result = FAULT.HEAD_TOO_LARGE;
    return offered;
  }

  clear(): void {
    this.#bytes = undefined;
    this.#used = 0;
    this.#searched = 0;
    this.#parsedAt = 0;
  }

  #append(bytes: Buffer, start: number, end: number): void {
    const needed = this.#used + end - start;
    if (this.#bytes === undefined || this.#bytes.length < needed) {
      const larger = Buffer.allocUnsafeSlow(Math.max(4096, needed * 2));
      noteGrowth(larger.length);
      this.#bytes?.copy(larger, 0, 0, this.#used);
      this.#bytes = larger;
    }
    bytes.copy(this.#bytes, this.#used, start, end);
    this.#used = needed;
  }
}
