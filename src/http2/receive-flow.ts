import { crowding } from '../wire/index.ts';
import { ANOMALY } from './anomalies.ts';
import type { Connection } from './connection.ts';
import { FAULT } from './faults.ts';
import type { DataSink } from './frame-reader.ts';
import { ERROR, FLAGS, FRAME, INITIAL_WINDOW } from './frames.ts';
import type { Http2Limits } from './limits.ts';
import type { Stream } from './stream.ts';
import { writeNumber } from './write-frames.ts';

/** Frames smaller than this cost more to read than they bring; the smallest message of gRPC is five bytes. */
const tinyBytes = 5;

/**
 * DATA that a connection receives, and the windows that bound it. Bytes are allowed again when whoever they are for has taken
 * them, for the stream and for the connection, so that the windows are the most that a peer can make us hold. They grow only
 * while the takers keep up.
 */
export class ReceiveFlow implements DataSink {
  readonly #connection: Connection;
  readonly #limits: Http2Limits;
  readonly #tinyBytes: number;
  /** Bytes of all streams that are held because nobody takes them. */
  heldBytes = 0;
  /** Taken, and not yet told to the peer. */
  uncredited = 0;
  /** Whether there was DATA since that was last set to false. */
  worked = false;
  #receiveWindow = INITIAL_WINDOW;
  #windowSize = INITIAL_WINDOW;
  /** Of the frame under way. */
  #dataStream: Stream | undefined;
  #dataId = 0;
  #dataPadding = 0;

  constructor(connection: Connection, limits: Http2Limits) {
    this.#connection = connection;
    this.#limits = limits;
    this.#tinyBytes = limits.carriesSessions === true ? 1 : tinyBytes;
  }

  onDataBegin(streamId: number, flags: number, length: number): void {
    this.worked = true;
    this.#receiveWindow -= length;
    this.#dataId = streamId;
    this.#dataPadding = length;
    this.#dataStream = undefined;
    if (this.#receiveWindow < 0) {
      this.#connection.connectionError(
        ERROR.FLOW_CONTROL_ERROR,
        'more DATA than the window of the connection allows',
      );
      return;
    }
    const stream = this.#connection.streams.get(streamId);
    if (stream === undefined || !stream.remoteOpen) {
      this.#dataOnClosed(streamId, stream);
      return;
    }
    stream.receiveWindow -= length;
    if (stream.receiveWindow < 0) {
      this.#connection.streamError(
        stream,
        ERROR.FLOW_CONTROL_ERROR,
        FAULT.NONE,
        'more DATA than the window allows',
      );
      return;
    }
    if (length < this.#tinyBytes && (flags & FLAGS.END_STREAM) === 0) {
      this.#connection.note(length === 0 ? ANOMALY.EMPTY_DATA : ANOMALY.TINY_DATA);
      if (this.#connection.over) return;
    }
    this.#dataStream = stream;
  }

  #dataOnClosed(streamId: number, stream: Stream | undefined): void {
    if (stream !== undefined) {
      this.#connection.streamError(
        stream,
        ERROR.STREAM_CLOSED,
        FAULT.NONE,
        'DATA after the end of the stream',
      );
    } else if (this.#connection.isIdle(streamId)) {
      this.#connection.connectionError(ERROR.PROTOCOL_ERROR, 'DATA on a stream that was not begun');
    } else if (!this.#connection.wasReset(streamId)) {
      this.#connection.reset(streamId, ERROR.STREAM_CLOSED);
      this.#connection.note(ANOMALY.CLOSED_STREAM);
    }
  }

  onDataBytes(bytes: Buffer, start: number, end: number): void {
    const stream = this.#dataStream;
    this.#dataPadding -= end - start;
    if (stream === undefined || stream.id !== this.#dataId) {
      this.uncredited += end - start;
      return;
    }
    if (stream.receive(bytes, start, end)) return;
    this.uncredited += end - start;
    this.#connection.streamError(
      stream,
      ERROR.PROTOCOL_ERROR,
      FAULT.LENGTH_MISMATCH,
      'more DATA than Content-Length says',
    );
  }

  onDataEnd(streamId: number, flags: number): void {
    const stream = this.#dataStream;
    this.#dataStream = undefined;
    this.uncredited += this.#dataPadding;
    if (stream === undefined || stream.id !== streamId) return;
    stream.unreported += this.#dataPadding;
    if ((flags & FLAGS.END_STREAM) === 0) {
      this.credit(stream);
      return;
    }
    this.uncredited += stream.uncredited;
    stream.uncredited = 0;
    if (!stream.receiveEnd(undefined))
      this.#connection.streamError(
        stream,
        ERROR.PROTOCOL_ERROR,
        FAULT.LENGTH_MISMATCH,
        'less DATA than Content-Length says',
      );
  }

  /** Allows the peer again what the other side has taken. */
  credit(stream: Stream): void {
    if (stream.paused) {
      if (this.heldBytes * 2 > this.#windowSize && !crowding.crowded) {
        const { maxConnectionWindow } = this.#limits;
        // A few streams whose takers are slow must not keep all others from theirs.
        this.grow(Math.min(this.#windowSize, maxConnectionWindow - this.#windowSize));
      }
      return;
    }
    this.uncredited += stream.uncredited;
    stream.unreported += stream.uncredited;
    stream.uncredited = 0;
    if (stream.remoteOpen && stream.unreported * 2 >= stream.windowSize && this.#connection.mayControl()) {
      const { maxStreamWindow } = this.#limits;
      let more = stream.unreported;
      if (!stream.pausedSince && stream.windowSize < maxStreamWindow && !crowding.crowded) {
        const grown = Math.min(maxStreamWindow, stream.windowSize * 2);
        more += grown - stream.windowSize;
        stream.windowSize = grown;
      }
      stream.pausedSince = false;
      stream.unreported = 0;
      stream.receiveWindow += more;
      writeNumber(this.#connection.wire, FRAME.WINDOW_UPDATE, stream.id, more);
    }
    if (this.uncredited * 2 >= this.#windowSize) this.report();
  }

  /** Tells the peer what all streams together have given back. */
  report(): void {
    if (this.uncredited * 4 < this.#windowSize || !this.#connection.mayControl()) return;
    writeNumber(this.#connection.wire, FRAME.WINDOW_UPDATE, 0, this.uncredited);
    this.#receiveWindow += this.uncredited;
    this.uncredited = 0;
  }

  /** Allows the peer more than before, for good. */
  grow(by: number): void {
    if (by <= 0) return;
    this.#windowSize += by;
    this.#receiveWindow += by;
    writeNumber(this.#connection.wire, FRAME.WINDOW_UPDATE, 0, by);
  }
}
