import type { Fields } from '../http/index.ts';
import type { Connection } from './connection.ts';
import { ERROR, INITIAL_WINDOW, LARGEST_WINDOW } from './frames.ts';

/** What ends a stream's sending side when its queue is empty. */
export const ENDING = { NONE: 0, DATA: 1, TRAILERS: 2 } as const;

/**
 * What both sides of a stream have in common: windows, what waits to be sent, what was received and is held because nobody takes
 * it. A connection reuses its streams; `id` is 0 while one is not in use.
 */
export abstract class Stream {
  readonly connection: Connection;
  id = 0;
  /** Whether the peer may still send, and we. */
  remoteOpen = false;
  localOpen = false;

  /** Bytes that the peer allows us. Below 0 after it has made its windows smaller. */
  sendWindow: number = INITIAL_WINDOW;
  /** Bytes that we still allow the peer, and what we allow at most. */
  receiveWindow = 0;
  windowSize = 0;
  /** Passed on to who may not have taken it yet: allowed again when that side keeps up. */
  uncredited = 0;
  /** Taken, and not yet told to the peer in a window update. */
  unreported = 0;
  /** Whether the other side has not kept up since the last credit. */
  pausedSince = false;
  paused = false;

  /** What the peer's window or the wire did not take yet. */
  readonly queue: Buffer[] = [];
  queuedBytes = 0;
  /** How far the first of the queue is sent. */
  queueAt = 0;
  ending: number = ENDING.NONE;
  trailers: Fields | undefined = undefined;
  /** In the connection's ring of streams that may send. */
  isReady = false;
  nextReady: Stream | undefined = undefined;
  /** Of the last looks for stalled streams. */
  sentBytes = 0;
  sentMark = 0;
  strikes = 0;

  /** What came while paused, and how it ended. */
  held: Buffer[] | undefined = undefined;
  heldEnd = false;
  heldTrailers: Fields | undefined = undefined;
  /** The body's length by its head, -1 where it said none, and what has come of it. */
  expectedBytes = -1;
  receivedBytes = 0;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  /** Begins to be stream `id`. */
  begin(id: number, sendWindow: number, windowSize: number): void {
    this.id = id;
    this.remoteOpen = true;
    this.localOpen = true;
    this.sendWindow = sendWindow;
    this.receiveWindow = windowSize;
    this.windowSize = windowSize;
    this.uncredited = 0;
    this.unreported = 0;
    this.pausedSince = false;
    this.paused = false;
    this.queuedBytes = 0;
    this.queueAt = 0;
    this.ending = ENDING.NONE;
    this.trailers = undefined;
    this.sentBytes = 0;
    this.sentMark = 0;
    this.strikes = 0;
    this.heldEnd = false;
    this.heldTrailers = undefined;
    this.expectedBytes = -1;
    this.receivedBytes = 0;
  }

  /** A block of fields has come on it: `list` of the connection has them. */
  abstract onBlock(end: boolean): void;
  /** Body bytes, not paused. */
  protected abstract deliver(bytes: Buffer, start: number, end: number): void;
  /** The other side's end, not paused. */
  protected abstract deliverEnd(trailers: Fields | undefined): void;
  /** Our end has been sent. */
  abstract onLocalEnd(): void;
  /** What was queued has been sent. */
  abstract onWritable(): void;
  /** The peer has reset it. False: what it had sent is whole and is still wanted. */
  abstract onReset(code: number): boolean;
  /** What the peer sent on it is wrong; it is reset with `code` afterwards. */
  abstract onError(code: number, fault: number, words: string): void;
  /** The connection is gone. */
  abstract onConnectionLost(error: string): void;

  /** Bytes of DATA that arrived. Returns false where they are more than the head said. */
  receive(bytes: Buffer, start: number, end: number): boolean {
    this.receivedBytes += end - start;
    if (this.expectedBytes >= 0 && this.receivedBytes > this.expectedBytes) return false;
    if (this.paused || this.held !== undefined) {
      this.held ??= [];
      this.held.push(Buffer.from(bytes.subarray(start, end)));
      this.connection.flow.heldBytes += end - start;
      return true;
    }
    this.uncredited += end - start;
    this.deliver(bytes, start, end);
    return true;
  }

  /** The peer has ended its side. Returns false where the body is shorter than the head said. */
  receiveEnd(trailers: Fields | undefined): boolean {
    this.remoteOpen = false;
    if (this.expectedBytes >= 0 && this.receivedBytes !== this.expectedBytes) return false;
    if (this.paused || this.held !== undefined) {
      this.heldEnd = true;
      this.heldTrailers = trailers?.copy();
      return true;
    }
    this.deliverEnd(trailers);
    return true;
  }

  /** The other side does not keep up: what comes is held, and nothing is allowed again. */
  pause(): void {
    this.paused = true;
    this.pausedSince = true;
  }

  /** The other side has taken what it got. */
  resume(): void {
    if (!this.paused || this.id === 0) return;
    this.paused = false;
    const { id } = this;
    while (this.held !== undefined && !this.paused) {
      const bytes = this.held.shift();
      if (bytes === undefined) {
        this.held = undefined;
        break;
      }
      this.uncredited += bytes.length;
      this.connection.flow.heldBytes -= bytes.length;
      this.deliver(bytes, 0, bytes.length);
      if (this.id !== id) return;
    }
    if (this.paused) return;
    if (this.heldEnd) {
      const trailers = this.heldTrailers;
      this.heldEnd = false;
      this.heldTrailers = undefined;
      this.deliverEnd(trailers);
      if (this.id !== id) return;
    }
    this.connection.flow.credit(this);
  }

  /** Forgets what it holds; the number of bytes is allowed again for the connection. */
  dropHeld(): number {
    let bytes = this.uncredited;
    this.uncredited = 0;
    if (this.held !== undefined) {
      for (const piece of this.held) {
        bytes += piece.length;
        this.connection.flow.heldBytes -= piece.length;
      }
    }
    this.held = undefined;
    this.heldEnd = false;
    this.heldTrailers = undefined;
    return bytes;
  }

  /** Body bytes to the peer: sent as far as windows and wire allow, the rest is copied. False: wait for `onWritable`. */
  send(bytes: Buffer, start: number, end: number): boolean {
    if (!this.localOpen || this.ending !== ENDING.NONE) return true;
    let at = start;
    const { out } = this.connection;
    if (this.queuedBytes === 0 && out.maySend()) at = out.sendData(this, bytes, at, end);
    if (at < end) {
      this.queue.push(Buffer.from(bytes.subarray(at, end)));
      this.queuedBytes += end - at;
      out.wait(this);
    }
    return this.queuedBytes === 0;
  }

  /** Ends our side, behind what waits. */
  sendEnd(trailers: Fields | undefined): void {
    if (!this.localOpen || this.ending !== ENDING.NONE) return;
    this.ending = trailers === undefined ? ENDING.DATA : ENDING.TRAILERS;
    if (this.queuedBytes === 0) this.connection.out.sendEnd(this, trailers);
    else this.trailers = trailers?.copy();
  }

  /** Forgets what waits to be sent. */
  dropQueue(): void {
    this.queue.length = 0;
    this.queuedBytes = 0;
    this.queueAt = 0;
    this.trailers = undefined;
  }

  /** WINDOW_UPDATE, or other settings. An error code, or 0. */
  widen(by: number): number {
    if (this.sendWindow + by > LARGEST_WINDOW) return ERROR.FLOW_CONTROL_ERROR;
    this.sendWindow += by;
    if (this.queuedBytes > 0 && this.sendWindow > 0) this.connection.out.wait(this);
    return 0;
  }
}
