import { giveUp, INTERNAL_ERROR, internalError } from '../../errors/index.ts';
import type { ByteStream, WireHandler } from '../../wire/index.ts';

/** Hears nothing. */
export const nobody: WireHandler = { onData() {}, onEnd() {}, onDrain() {}, onClose() {} };

/** What a reset is called, on whatever it comes. */
export const RESET = 'ECONNRESET';

/**
 * A stream of a connection that many share, as the bytes of one connection of an app: what sessions and tunnels know of a Wire
 * holds for it. END_STREAM is the end of a side, RST_STREAM a reset, and the stream's window what the kernel's buffers are.
 *
 * It is over when both sides have ended, though what was written last may be on its way still: nobody could be told any more.
 */
export abstract class StreamBytes implements ByteStream {
  handler: WireHandler = nobody;
  #ended = false;
  #ending = false;
  #closed = false;
  /** What was written last waits for a window. */
  #full = false;

  /** Bytes to the peer; copied. False: `onWritable` says when they are gone. */
  protected abstract send(bytes: Buffer, start: number, end: number): boolean;
  protected abstract sendEnd(): void;
  /** RST_STREAM; only while the stream is there. */
  protected abstract sendReset(): void;
  /** Flow control of what comes in. */
  protected abstract hold(): void;
  protected abstract letGo(): void;
  /** It is over: the codec may give the stream to somebody else, so it must not be used from here any more. */
  protected abstract forget(): void;

  get ended(): boolean {
    return this.#ended;
  }
  get closed(): boolean {
    return this.#closed;
  }

  resume(): void {
    if (!this.#closed && !this.#ended) this.letGo();
  }

  pause(): void {
    if (!this.#closed && !this.#ended) this.hold();
  }

  write(bytes: Buffer, start: number, end: number): boolean {
    if (this.#closed || this.#ending) return true;
    if (!this.send(bytes, start, end)) this.#full = true;
    return !this.#full;
  }

  writable(): boolean {
    return !this.#full;
  }

  end(): void {
    if (this.#closed || this.#ending) return;
    this.#ending = true;
    this.sendEnd();
    if (this.#ended) this.#close('');
  }

  /** As `reset`: the peer must not take what it has for all of it. */
  destroy(error = ''): void {
    this.reset(error);
  }

  reset(error = ''): void {
    if (this.#closed) return;
    this.sendReset();
    this.#close(error);
  }

  // What the codec's handler passes on.

  protected received(bytes: Buffer, start: number, end: number): void {
    if (this.#closed) return;
    try {
      this.handler.onData(bytes, start, end);
    } catch (thrown) {
      this.#crash(thrown);
    }
  }

  protected receivedEnd(): void {
    if (this.#closed) return;
    this.#ended = true;
    try {
      this.handler.onEnd();
    } catch (thrown) {
      this.#crash(thrown);
    }
    if (this.#ending) this.#close('');
  }

  /** The stream is gone: a reset by the peer, or the connection under it. */
  protected lost(error: string): void {
    if (!this.#closed) this.#close(error);
  }

  protected drained(): void {
    if (!this.#full || this.#closed) return;
    this.#full = false;
    try {
      this.handler.onDrain();
    } catch (thrown) {
      this.#crash(thrown);
    }
  }

  /** In an event of the connection under it, which others share: this stream ends, and nothing else. */
  #crash(thrown: unknown): void {
    internalError('stream', thrown);
    giveUp('stream', this.handler);
    this.reset(INTERNAL_ERROR);
  }

  #close(error: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.forget();
    const { handler } = this;
    this.handler = nobody;
    try {
      handler.onClose(error);
    } catch (thrown) {
      internalError('stream.close', thrown);
      giveUp('stream.close', handler);
    }
  }
}
