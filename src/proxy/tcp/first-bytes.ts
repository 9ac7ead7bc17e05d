import type { ByteStream, WireHandler } from '../../wire/index.ts';

/** Shows the first bytes that a wire receives to `look`, and then has no part in it any more. */
export class FirstBytes implements WireHandler {
  readonly #wire: ByteStream;
  readonly #next: WireHandler;
  readonly #look: (bytes: Buffer) => void;

  /** Takes the place of the wire's handler, which goes on behind it. */
  constructor(wire: ByteStream, look: (bytes: Buffer) => void) {
    this.#wire = wire;
    this.#next = wire.handler;
    this.#look = look;
    wire.handler = this;
  }

  onData(bytes: Buffer, start: number, end: number): void {
    this.#wire.handler = this.#next;
    this.#look(bytes.subarray(start, end));
    this.#next.onData(bytes, start, end);
  }

  onEnd(): void {
    this.#wire.handler = this.#next;
    this.#next.onEnd();
  }

  onDrain(): void {
    this.#next.onDrain();
  }

  onClose(error: string): void {
    this.#next.onClose(error);
  }
}
