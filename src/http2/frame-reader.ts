import { noteGrowth } from '../wire/index.ts';
import { ERROR, FLAGS, FRAME, FRAME_BYTES, FRAME_HEADER_BYTES, PREFACE } from './frames.ts';

/** What a connection does with DATA. Ranges are valid during the call. */
export interface DataSink {
  /** DATA begins; `length` with its padding, which is what flow control counts. */
  onDataBegin(streamId: number, flags: number, length: number): void;
  /** A piece of its data: as much as there is in one read. */
  onDataBytes(bytes: Buffer, start: number, end: number): void;
  /** All of it is there. */
  onDataEnd(streamId: number, flags: number): void;
}

/** What it does with other frames. */
export interface FrameSink {
  /** A whole block of fields, from HEADERS and whatever continues it. */
  onBlock(streamId: number, flags: number, bytes: Buffer, start: number, end: number): void;
  /** A frame with a dependency: PRIORITY or HEADERS; `streamId` depends on `parent`. */
  onPriority(streamId: number, parent: number): void;
  /** One of the others that are known, whole. */
  onControl(type: number, streamId: number, flags: number, bytes: Buffer, start: number, end: number): void;
  /** A frame that nobody knows: its bytes are passed over. */
  onUnknown(): void;
  /** A frame that continues a block and is empty. */
  onEmptyContinuation(): void;
  /** The bytes are no HTTP/2 any more; nothing else is read. ENHANCE_YOUR_CALM: a block is too large, or in too many pieces. */
  onFramingError(code: number, words: string): void;
}

/** Where the reader stands. */
const STATE = {
  PREFACE: 0,
  HEADER: 1,
  PAD_LENGTH: 2,
  DATA: 3,
  SKIP: 4,
  WHOLE: 5,
  FAILED: 6,
} as const;

/** How long a frame of each type must be, where that is told; -1 where it differs. */
const exactLength = [-1, -1, 5, 4, -1, -1, 8, -1, 4, -1];
const smallestBuffer = 4096;

/** Bounds on blocks. */
export interface BlockLimits {
  /** Bytes of a block as it is sent. */
  readonly maxBlockBytes: number;
  readonly maxContinuations: number;
}

/**
 * Cuts the bytes of a connection into frames, where they lie: DATA is passed on in the pieces in which it comes, and other
 * frames that are whole in one read, nearly all, are read in place. Only what is not whole is collected.
 */
export class FrameReader {
  readonly #data: DataSink;
  readonly #sink: FrameSink;
  readonly #limits: BlockLimits;
  #state: number;
  /** The preface, or the header of a frame, as far as it has come in pieces. */
  readonly #header = Buffer.allocUnsafeSlow(FRAME_HEADER_BYTES);
  #headerUsed = 0;
  #type = 0;
  #flags = 0;
  #streamId = 0;
  /** Payload that has not come yet. */
  #left = 0;
  #padding = 0;
  /** What is collected: a frame that came in pieces, or a block of which more must come. */
  #collected: Buffer | undefined;
  #collectedUsed = 0;
  /** The stream whose block is not complete, 0 for none, with the flags of its HEADERS. */
  #blockStream = 0;
  #blockFlags = 0;
  /** Where the block ends within what is collected. */
  #blockEnd = 0;
  #continuations = 0;
  #isFirst = true;

  /** `preface`: the peer is a client, which says so first. */
  constructor(data: DataSink, sink: FrameSink, limits: BlockLimits, preface: boolean) {
    this.#data = data;
    this.#sink = sink;
    this.#limits = limits;
    this.#state = preface ? STATE.PREFACE : STATE.HEADER;
  }

  /** Whether a block of fields has begun and is not complete. */
  get withinBlock(): boolean {
    return this.#blockStream !== 0 || (this.#state === STATE.WHOLE && this.#type === FRAME.HEADERS);
  }

  /** Whether the preface is still to come. */
  get withinPreface(): boolean {
    return this.#state === STATE.PREFACE;
  }

  /** Reads nothing more: the connection is over. */
  stop(): void {
    this.#state = STATE.FAILED;
    this.#collected = undefined;
  }

  read(bytes: Buffer, start: number, end: number): void {
    let at = start;
    while (at < end) {
      switch (this.#state) {
        case STATE.HEADER:
          at = this.#readHeader(bytes, at, end);
          break;
        case STATE.DATA:
          at = this.#readData(bytes, at, end);
          break;
        case STATE.WHOLE:
          at = this.#collect(bytes, at, end);
          break;
        case STATE.PAD_LENGTH:
          at = this.#readPadLength(bytes, at);
          break;
        case STATE.SKIP:
          at = this.#skip(at, end);
          break;
        case STATE.PREFACE:
          at = this.#readPreface(bytes, at, end);
          break;
        default:
          return;
      }
    }
  }

  #fail(code: number, words: string): void {
    this.stop();
    this.#sink.onFramingError(code, words);
  }

  #readPreface(bytes: Buffer, start: number, end: number): number {
    let at = start;
    while (at < end && this.#headerUsed < PREFACE.length) {
      if (bytes[at++] !== PREFACE[this.#headerUsed++]) {
        this.#fail(ERROR.PROTOCOL_ERROR, 'the connection does not begin with the preface of HTTP/2');
        return end;
      }
    }
    if (this.#headerUsed === PREFACE.length) {
      this.#headerUsed = 0;
      this.#state = STATE.HEADER;
    }
    return at;
  }

  #readHeader(bytes: Buffer, start: number, end: number): number {
    if (this.#headerUsed === 0 && end - start >= FRAME_HEADER_BYTES) {
      this.#begin(bytes, start);
      return start + FRAME_HEADER_BYTES;
    }
    let at = start;
    while (at < end && this.#headerUsed < FRAME_HEADER_BYTES) this.#header[this.#headerUsed++] = bytes[at++]!;
    if (this.#headerUsed === FRAME_HEADER_BYTES) {
      this.#headerUsed = 0;
      this.#begin(this.#header, 0);
    }
    return at;
  }

  /** A frame's header is there. */
  #begin(bytes: Buffer, at: number): void {
    const length = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
    const type = bytes[at + 3]!;
    const flags = bytes[at + 4]!;
    const streamId =
      ((bytes[at + 5]! & 0x7f) << 24) | (bytes[at + 6]! << 16) | (bytes[at + 7]! << 8) | bytes[at + 8]!;
    this.#type = type;
    this.#flags = flags;
    this.#streamId = streamId;
    this.#left = length;
    this.#padding = 0;
    if (this.#isFirst) {
      this.#isFirst = false;
      if (type !== FRAME.SETTINGS || (flags & FLAGS.ACK) !== 0) {
        this.#fail(ERROR.PROTOCOL_ERROR, 'the first frame is not SETTINGS');
        return;
      }
    }
    if (length > FRAME_BYTES) {
      this.#fail(ERROR.FRAME_SIZE_ERROR, `a frame of ${length} bytes is longer than ${FRAME_BYTES}`);
      return;
    }
    if (this.#blockStream !== 0 && (type !== FRAME.CONTINUATION || streamId !== this.#blockStream)) {
      this.#fail(ERROR.PROTOCOL_ERROR, 'a block of headers is interrupted by another frame');
      return;
    }
    if (type === FRAME.DATA) this.#beginData(length);
    else if (type > FRAME.CONTINUATION) {
      this.#passOver();
      // Behind it: what it comes to may be that nothing more is read.
      this.#sink.onUnknown();
    } else this.#beginWhole(type, length);
  }

  #beginData(length: number): void {
    if (this.#streamId === 0) {
      this.#fail(ERROR.PROTOCOL_ERROR, 'DATA on stream 0');
      return;
    }
    const isPadded = (this.#flags & FLAGS.PADDED) !== 0;
    if (isPadded && length === 0) {
      this.#fail(ERROR.FRAME_SIZE_ERROR, 'DATA is padded and empty');
      return;
    }
    this.#data.onDataBegin(this.#streamId, this.#flags, length);
    if (this.#state === STATE.FAILED) return;
    if (isPadded) this.#state = STATE.PAD_LENGTH;
    else if (length > 0) this.#state = STATE.DATA;
    else this.#data.onDataEnd(this.#streamId, this.#flags);
  }

  #readPadLength(bytes: Buffer, at: number): number {
    this.#padding = bytes[at]!;
    this.#left--;
    if (this.#padding > this.#left) {
      this.#fail(ERROR.PROTOCOL_ERROR, 'the padding of DATA is longer than the frame');
      return at + 1;
    }
    this.#state = STATE.DATA;
    if (this.#left === 0) this.#endData();
    return at + 1;
  }

  #readData(bytes: Buffer, start: number, end: number): number {
    const data = this.#left - this.#padding;
    if (data > 0) {
      const stop = Math.min(end, start + data);
      this.#left -= stop - start;
      const isLast = this.#left === 0;
      this.#data.onDataBytes(bytes, start, stop);
      if (isLast && this.#state === STATE.DATA) this.#endData();
      return stop;
    }
    const stop = Math.min(end, start + this.#left);
    this.#left -= stop - start;
    if (this.#left === 0) this.#endData();
    return stop;
  }

  #endData(): void {
    this.#state = STATE.HEADER;
    this.#data.onDataEnd(this.#streamId, this.#flags);
  }

  #passOver(): void {
    this.#state = this.#left > 0 ? STATE.SKIP : STATE.HEADER;
  }

  #skip(start: number, end: number): number {
    const stop = Math.min(end, start + this.#left);
    this.#left -= stop - start;
    if (this.#left === 0) this.#state = STATE.HEADER;
    return stop;
  }

  /** A frame that is read when all of it is there. */
  #beginWhole(type: number, length: number): void {
    const exact = exactLength[type]!;
    if (exact >= 0 && length !== exact) {
      // A stream error by the RFC (section 6.3), and PRIORITY means nothing to us: but who cannot count is not trusted to frame.
      this.#fail(ERROR.FRAME_SIZE_ERROR, `a frame of type ${type} has ${length} bytes in place of ${exact}`);
      return;
    }
    if (type === FRAME.CONTINUATION && !this.#continues(length)) return;
    if (type === FRAME.HEADERS && this.#streamId === 0) {
      this.#fail(ERROR.PROTOCOL_ERROR, 'HEADERS on stream 0');
      return;
    }
    this.#state = STATE.WHOLE;
    if (length === 0) this.#whole(this.#header, 0, 0);
  }

  #continues(length: number): boolean {
    if (this.#blockStream === 0) {
      this.#fail(ERROR.PROTOCOL_ERROR, 'CONTINUATION without a block of headers to continue');
      return false;
    }
    if (length === 0 && (this.#flags & FLAGS.END_HEADERS) === 0) this.#sink.onEmptyContinuation();
    if (this.#state === STATE.FAILED) return false;
    if (++this.#continuations > this.#limits.maxContinuations) {
      this.#fail(ERROR.ENHANCE_YOUR_CALM, 'a block of headers comes in too many pieces');
      return false;
    }
    return true;
  }

  #collect(bytes: Buffer, start: number, end: number): number {
    const before = this.#collectedUsed - this.#blockEnd;
    const missing = this.#left - before;
    if (before === 0 && end - start >= missing) {
      this.#whole(bytes, start, start + missing);
      return start + missing;
    }
    const stop = Math.min(end, start + missing);
    this.#append(bytes, start, stop);
    if (stop - start === missing) {
      const from = this.#blockEnd;
      this.#collectedUsed = from;
      this.#whole(this.#collected!, from, from + this.#left);
    }
    return stop;
  }

  #append(bytes: Buffer, start: number, end: number): void {
    const needed = this.#collectedUsed + end - start;
    if (this.#collected === undefined || this.#collected.length < needed) {
      const larger = Buffer.allocUnsafeSlow(Math.max(smallestBuffer, needed * 2));
      noteGrowth(larger.length);
      this.#collected?.copy(larger, 0, 0, this.#collectedUsed);
      this.#collected = larger;
    }
    bytes.copy(this.#collected, this.#collectedUsed, start, end);
    this.#collectedUsed = needed;
  }

  /** The payload of a frame is there. */
  #whole(bytes: Buffer, start: number, end: number): void {
    this.#state = STATE.HEADER;
    this.#left = 0;
    const type = this.#type;
    if (type === FRAME.HEADERS) this.#headers(bytes, start, end);
    else if (type === FRAME.CONTINUATION) this.#continuation(bytes, start, end);
    else if (type === FRAME.PRIORITY) this.#priority(bytes, start);
    else this.#sink.onControl(type, this.#streamId, this.#flags, bytes, start, end);
    if (this.#blockStream === 0) this.#collected = undefined;
  }

  #priority(bytes: Buffer, start: number): void {
    if (this.#streamId === 0) this.#fail(ERROR.PROTOCOL_ERROR, 'PRIORITY on stream 0');
    else this.#sink.onPriority(this.#streamId, bytes.readUInt32BE(start) & 0x7fffffff);
  }

  #headers(bytes: Buffer, start: number, end: number): void {
    let from = start;
    let to = end;
    if ((this.#flags & FLAGS.PADDED) !== 0) {
      if (from === to) {
        this.#fail(ERROR.FRAME_SIZE_ERROR, 'HEADERS are padded and empty');
        return;
      }
      to -= bytes[from++]!;
    }
    if ((this.#flags & FLAGS.PRIORITY) !== 0) {
      if (to - from < 5) {
        this.#fail(ERROR.FRAME_SIZE_ERROR, 'HEADERS are too short for their priority');
        return;
      }
      from += 5;
    }
    if (to < from) {
      this.#fail(ERROR.PROTOCOL_ERROR, 'the padding of HEADERS is longer than the frame');
      return;
    }
    if ((this.#flags & FLAGS.PRIORITY) !== 0) {
      this.#sink.onPriority(this.#streamId, bytes.readUInt32BE(from - 5) & 0x7fffffff);
      if (this.#state === STATE.FAILED) return;
    }
    this.#blockFlags = this.#flags;
    this.#continuations = 0;
    if ((this.#flags & FLAGS.END_HEADERS) !== 0) this.#block(bytes, from, to);
    else this.#keep(bytes, from, to);
  }

  /** A piece of a block that goes on in another frame. */
  #keep(bytes: Buffer, from: number, to: number): void {
    this.#blockStream = this.#streamId;
    if (bytes === this.#collected) {
      // It lies behind what was kept already, but for padding.
      bytes.copyWithin(this.#blockEnd, from, to);
      this.#collectedUsed = this.#blockEnd + to - from;
    } else this.#append(bytes, from, to);
    this.#blockEnd = this.#collectedUsed;
    if (this.#blockEnd > this.#limits.maxBlockBytes)
      this.#fail(ERROR.ENHANCE_YOUR_CALM, 'a block of headers is larger than we take');
  }

  #continuation(bytes: Buffer, start: number, end: number): void {
    this.#keep(bytes, start, end);
    if (this.#state === STATE.FAILED || (this.#flags & FLAGS.END_HEADERS) === 0) return;
    const to = this.#blockEnd;
    this.#blockStream = 0;
    this.#blockEnd = 0;
    this.#collectedUsed = 0;
    this.#block(this.#collected!, 0, to);
  }

  #block(bytes: Buffer, from: number, to: number): void {
    this.#sink.onBlock(this.#streamId, this.#blockFlags, bytes, from, to);
  }
}
