import type { Encoder } from '../hpack/index.ts';
import type { Fields } from '../http/index.ts';
import type { Wire } from '../wire/index.ts';
import { ERROR, FRAME_BYTES, INITIAL_WINDOW, LARGEST_WINDOW } from './frames.ts';
import { ENDING, type Stream } from './stream.ts';
import { writeData, writeEnd } from './write-frames.ts';
import { writeTrailers } from './write-head.ts';

/** What one stream sends before another has its turn. */
const QUANTUM = FRAME_BYTES;

/**
 * What a connection's streams have to send while the peer's window or the wire does not take it: a ring in which each has its
 * turn. RFC 9113 section 5.3 did away with priorities, and nobody knows better than the next.
 */
export class SendQueue {
  readonly #wire: Wire;
  readonly #encoder: Encoder;
  readonly #onWaiting: () => void;
  /** Bytes that the peer allows for all streams together. */
  window: number = INITIAL_WINDOW;
  /** Frames of DATA so far: so many window updates are nothing odd. */
  dataFrames = 0;
  #first: Stream | undefined;
  #last: Stream | undefined;

  /** `onWaiting` hears that some stream cannot send. */
  constructor(wire: Wire, encoder: Encoder, onWaiting: () => void) {
    this.#wire = wire;
    this.#encoder = encoder;
    this.#onWaiting = onWaiting;
  }

  /** Whether a stream may send without waiting for its turn. */
  maySend(): boolean {
    return this.#first === undefined && this.#wire.writable();
  }

  /** Sends what the windows allow; the offset after it. */
  sendData(stream: Stream, bytes: Buffer, start: number, end: number): number {
    let at = start;
    while (at < end) {
      const most = Math.min(stream.sendWindow, this.window, FRAME_BYTES);
      if (most <= 0) break;
      const to = Math.min(end, at + most);
      writeData(this.#wire, stream.id, 0, bytes, at, to);
      this.dataFrames++;
      stream.sendWindow -= to - at;
      stream.sentBytes += to - at;
      this.window -= to - at;
      at = to;
    }
    return at;
  }

  /** Ends our side of a stream, which has nothing queued. */
  sendEnd(stream: Stream, trailers: Fields | undefined): void {
    stream.localOpen = false;
    if (trailers !== undefined) writeTrailers(this.#wire, this.#encoder, trailers, stream.id);
    else writeEnd(this.#wire, stream.id);
    stream.onLocalEnd();
  }

  /** The stream has something queued. */
  wait(stream: Stream): void {
    this.#onWaiting();
    if (stream.isReady || stream.sendWindow <= 0) return;
    stream.isReady = true;
    stream.nextReady = undefined;
    if (this.#last === undefined) this.#first = stream;
    else this.#last.nextReady = stream;
    this.#last = stream;
  }

  /** The stream is over. */
  remove(stream: Stream): void {
    if (!stream.isReady) return;
    stream.isReady = false;
    let before: Stream | undefined;
    for (let each = this.#first; each !== undefined && each !== stream; each = each.nextReady) before = each;
    if (before === undefined) this.#first = stream.nextReady;
    else before.nextReady = stream.nextReady;
    if (this.#last === stream) this.#last = before;
    stream.nextReady = undefined;
  }

  /** WINDOW_UPDATE of the connection. An error code, or 0. */
  widen(by: number): number {
    if (this.window + by > LARGEST_WINDOW) return ERROR.FLOW_CONTROL_ERROR;
    this.window += by;
    return 0;
  }

  /** There may be room: gives each its turn, as long as there is. */
  sendReady(): void {
    for (;;) {
      const stream = this.#first;
      if (stream === undefined || this.window <= 0 || !this.#wire.writable()) return;
      this.#first = stream.nextReady;
      if (this.#first === undefined) this.#last = undefined;
      stream.nextReady = undefined;
      stream.isReady = false;
      this.#sendQueued(stream);
      if (stream.queuedBytes > 0) this.wait(stream);
      else if (stream.ending !== ENDING.NONE) this.#finish(stream);
      else stream.onWritable();
    }
  }

  #finish(stream: Stream): void {
    const { trailers } = stream;
    stream.trailers = undefined;
    this.sendEnd(stream, trailers);
  }

  #sendQueued(stream: Stream): void {
    let left = QUANTUM;
    while (left > 0 && stream.queue.length > 0) {
      const bytes = stream.queue[0]!;
      const from = stream.queueAt;
      const at = this.sendData(stream, bytes, from, Math.min(bytes.length, from + left));
      stream.queuedBytes -= at - from;
      left -= at - from;
      if (at < bytes.length) {
        stream.queueAt = at;
        return;
      }
      stream.queue.shift();
      stream.queueAt = 0;
    }
  }
}
