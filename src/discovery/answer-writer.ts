import type { AnswerSink } from './client.interface.ts';
import { MAX_REASON_LENGTH } from './protocol.ts';

/**
 * With so many bytes waiting in the socket nothing more is said: a control plane that does not read must not cost the proxy
 * memory, and its acknowledgements come after what waits.
 */
const maxWaiting = 512 << 10;

/** The part of a socket that is written to. */
export interface AnswerSocket {
  readonly writable: boolean;
  readonly writableLength: number;
  write(text: string): boolean;
}

/** Writes the answer to one question as lines of the discovery protocol. */
export class AnswerWriter implements AnswerSink {
  readonly #id: number;
  readonly #socket: AnswerSocket;
  /** Items that could not be sent and have not been told of. */
  #left = 0;

  constructor(id: number, socket: AnswerSocket) {
    this.#id = id;
    this.#socket = socket;
  }

  said(items: readonly string[], left: number): void {
    this.#left += left;
    const { writable, writableLength } = this.#socket;
    if (!writable || writableLength > maxWaiting) {
      this.#left += items.length;
      return;
    }
    this.#socket.write(`{"type":"said","id":${this.#id}${this.#told()},"items":[${items.join(',')}]}\n`);
  }

  done(error?: string): void {
    if (!this.#socket.writable) return;
    const why = error === undefined ? '' : `,"error":${JSON.stringify(error.slice(0, MAX_REASON_LENGTH))}`;
    this.#socket.write(`{"type":"done","id":${this.#id}${this.#told()}${why}}\n`);
  }

  #told(): string {
    const left = this.#left;
    this.#left = 0;
    return left === 0 ? '' : `,"left":${left}`;
  }
}
