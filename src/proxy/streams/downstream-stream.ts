import type { ServerStream } from '../../http/index.ts';
import { ERROR } from '../../http2/index.ts';
import { SESSION_STATUS, statusHead } from './session-status.ts';
import { RESET, StreamBytes } from './stream-bytes.ts';

const opened = statusHead(SESSION_STATUS.OPEN);

/** A stream that another proxy has begun, as the connection of the app behind it. Bytes flow once `open` was called. */
export class DownstreamStream extends StreamBytes {
  #stream: ServerStream | undefined;
  #answered = false;

  constructor(stream: ServerStream) {
    super();
    this.#stream = stream;
  }

  /** The app's connection is there. What has come before is delivered before this returns, so whoever it is for is in place. */
  open(): void {
    if (this.#answered) return;
    this.#answered = true;
    this.#stream?.respond(opened, false);
  }

  /** Says why there will be no bytes, and ends; where there have been some, a reset says all that can be said. */
  refuse(status: number): void {
    const stream = this.#stream;
    if (this.#answered || stream === undefined) {
      this.reset(RESET);
      return;
    }
    this.#stream = undefined;
    this.#answered = true;
    stream.respond(statusHead(status), true);
    this.lost(RESET);
  }

  protected send(bytes: Buffer, start: number, end: number): boolean {
    return this.#stream!.data(bytes, start, end);
  }
  protected sendEnd(): void {
    this.#stream!.end(undefined);
  }
  protected sendReset(): void {
    // RFC 9113 section 8.5.
    this.#stream?.abort('DC', ERROR.CONNECT_ERROR);
  }
  protected hold(): void {
    this.#stream!.pauseRequest();
  }
  protected letGo(): void {
    this.#stream!.resumeRequest();
  }
  protected forget(): void {
    this.#stream = undefined;
  }

  // Of the stream, from whoever handles it.

  onRequestData(bytes: Buffer, start: number, end: number): void {
    this.received(bytes, start, end);
  }
  onRequestEnd(): void {
    this.receivedEnd();
  }
  onRequestAbort(detail: string): void {
    this.lost(detail);
  }
  onResponseWritable(): void {
    this.drained();
  }
}
