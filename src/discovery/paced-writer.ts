import type { Socket } from 'node:net';

/**
 * So many characters are written before the socket has taken what came before. Node keeps for each TLS connection a buffer as
 * large as the most that was ever under way: all that a sidecar follows, written at once, would hold 100 KB of every proxy for
 * good.
 */
const atOnce = 14_000;

/** Writes lines to a proxy, a little at a time. */
export class PacedWriter {
  readonly #socket: Socket;
  readonly #drained: () => void;
  /** Characters written since the socket was last empty. */
  #unsent = 0;
  #lines = 0;

  /** `drained`: more may be written, after `write` has said that it may not. */
  constructor(socket: Socket, drained: () => void) {
    this.#socket = socket;
    this.#drained = drained;
    socket.on('drain', drained);
  }

  /** Lines that were written. */
  get lines(): number {
    return this.#lines;
  }

  /** What `write` writes meanwhile leaves together. */
  together(write: () => void): void {
    if (this.#socket.writableLength === 0) this.#unsent = 0;
    this.#socket.cork();
    write();
    this.#socket.uncork();
  }

  /** False when nothing more should be written until `drained` is called. */
  write(line: string): boolean {
    this.#lines++;
    this.#unsent += line.length;
    if (this.#unsent < atOnce) return this.#socket.write(line);
    this.#socket.write(line, () => {
      this.#unsent = 0;
      this.#drained();
    });
    return false;
  }
}
