import { acknowledgedBytes } from './socket-options.ts';
import type { Wire } from './wire.ts';

/** Whether anything moves on a connection, from one question to the next. */
export class Progress {
  readonly #wire: Wire;
  /** Bytes that had been read, and taken by the kernel. */
  #moved = -1;
  #acknowledged: number | undefined;

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  /** Whether bytes went in either direction since it was last asked. */
  moved(): boolean {
    const { bytesRead, bytesWritten, pendingBytes } = this.#wire;
    const before = this.#moved;
    this.#moved = bytesRead + bytesWritten - pendingBytes;
    return before !== this.#moved;
  }

  /** Whether the peer has read more of what waits for it since it was last asked; false where nothing waits. */
  stillReads(): boolean {
    const { pendingBytes, native } = this.#wire;
    if (pendingBytes === 0) return false;
    const before = this.#acknowledged;
    this.#acknowledged = acknowledgedBytes(native.fd)?.bytes ?? -pendingBytes;
    return before !== this.#acknowledged;
  }
}
