// Reads one message body as its framing says (RFC 9112 sections 6 and 7.1) and tells what it finds, chunk framing removed.
// Strict: sizes are plain hexadecimal, no extensions, CRLF only, trailers are checked like headers. Blanks behind a size, which
// old servers and small devices write, are for answers only, and gone when these go on.
import { FIELD, Fields, type Head, isForbiddenTrailer, TOKEN, UNKNOWN_LENGTH } from '../http/index.ts';
import { FAULT } from './faults.ts';
import type { Limits } from './limits.ts';

/** Where a reader stands. Numbers rather than strings because they are compared for every piece. */
const STATE = {
  DONE: 0,
  LENGTH: 1,
  UNTIL_CLOSE: 2,
  CHUNK_SIZE: 3,
  CHUNK_SIZE_LF: 4,
  CHUNK_DATA: 5,
  CHUNK_CR: 6,
  CHUNK_LF: 7,
  TRAILERS: 8,
  CHUNK_BLANKS: 9,
} as const;

/** What a body consists of. */
export interface BodySink {
  onBodyData(bytes: Buffer, start: number, end: number): void;
  /** `trailers`: undefined when there are none. */
  onBodyEnd(trailers: Fields | undefined): void;
}

/** 13 hexadecimal digits are 2^52: every size is an exact number. */
const maxSizeDigits = 13;
/** Blanks behind a size at most; those who write them fill up a field of 4 or 8 digits. */
const maxBlanks = 32;
const usualTrailers = 4;
const SP = 0x20;
const HTAB = 0x09;
const CR = 0x0d;
const LF = 0x0a;

/** Reads bodies, one after the other; reused for every message of a connection and direction. */
export class BodyReader {
  #state: number = STATE.DONE;
  #left = 0;
  #digits = 0;
  #blanks = 0;
  #bytes: Buffer | undefined;
  #trailersUsed = 0;
  /** The trailers that are complete. Made for a body that has any. */
  #trailers: Fields | undefined;
  /** Where the first line of the trailers begins that was not complete. */
  #trailerLine = 0;
  readonly #sink: BodySink;
  readonly #limits: Limits;
  readonly #takesBlanks: boolean;

  /** `blanks`: whether chunk sizes may have blanks behind them. */
  constructor(sink: BodySink, limits: Limits, { blanks = false }: { readonly blanks?: boolean } = {}) {
    this.#sink = sink;
    this.#limits = limits;
    this.#takesBlanks = blanks;
  }

  /** Prepares for the body that `head` announces. False: there is none, and `onBodyEnd` will not be called. */
  begin(head: Head): boolean {
    this.#forgetTrailers();
    if (head.bodyLength === 0) {
      this.#state = STATE.DONE;
      return false;
    }
    if (head.bodyLength !== UNKNOWN_LENGTH) {
      this.#state = STATE.LENGTH;
      this.#left = head.bodyLength;
    } else if (head.chunked) this.#beginChunk();
    else this.#state = STATE.UNTIL_CLOSE;
    return true;
  }

  get done(): boolean {
    return this.#state === STATE.DONE;
  }

  /** Whether it stands within a chunk's size or within trailers, of which more must come before there is anything to tell. */
  get withinLine(): boolean {
    const state = this.#state;
    if (state === STATE.CHUNK_SIZE) return this.#digits > 0;
    return state === STATE.CHUNK_SIZE_LF || state === STATE.CHUNK_BLANKS || state === STATE.TRAILERS;
  }

  /** Whether the end of the connection ends the body in order. */
  get endsWithConnection(): boolean {
    return this.#state === STATE.UNTIL_CLOSE;
  }

  /** Stops in the middle; the rest of the connection cannot be read as HTTP any more. */
  abandon(): void {
    this.#state = STATE.DONE;
    this.#left = -1;
  }

  /**
   * Reads from `bytes[start, end)`. Returns the offset after what belonged to the body, or a negative FAULT. After the body has
   * ended (`done`), what follows belongs to the next message.
   */
  read(bytes: Buffer, start: number, end: number): number {
    let i = start;
    while (i < end) {
      switch (this.#state) {
        case STATE.LENGTH:
        case STATE.CHUNK_DATA:
          i = this.#data(bytes, i, end);
          break;
        case STATE.UNTIL_CLOSE:
          this.#sink.onBodyData(bytes, i, end);
          return end;
        case STATE.DONE:
          return i;
        case STATE.TRAILERS:
          i = this.#readTrailers(bytes, i, end);
          break;
        default:
          i = this.#framing(bytes, i, end);
      }
      if (i < 0) return i;
    }
    return i;
  }

  #data(bytes: Buffer, start: number, end: number): number {
    const stop = Math.min(end, start + this.#left);
    this.#left -= stop - start;
    const inChunk = this.#state === STATE.CHUNK_DATA;
    const complete = this.#left === 0;
    if (complete) this.#state = inChunk ? STATE.CHUNK_CR : STATE.DONE;
    this.#sink.onBodyData(bytes, start, stop);
    // Unless the sink gave the body up.
    if (complete && !inChunk && this.#left === 0) this.#sink.onBodyEnd(undefined);
    return stop;
  }

  #beginChunk(): void {
    this.#state = STATE.CHUNK_SIZE;
    this.#left = 0;
    this.#digits = 0;
    this.#blanks = 0;
  }

  /** One byte or more of what stands between the data of chunks. */
  #framing(bytes: Buffer, start: number, end: number): number {
    const code = bytes[start]!;
    switch (this.#state) {
      case STATE.CHUNK_SIZE:
        return this.#size(bytes, start, end);
      case STATE.CHUNK_BLANKS:
        return this.#behindSize(code, start);
      case STATE.CHUNK_SIZE_LF:
        if (code !== LF) return FAULT.BARE_CR;
        this.#state = this.#left === 0 ? STATE.TRAILERS : STATE.CHUNK_DATA;
        return start + 1;
      case STATE.CHUNK_CR:
        if (code !== CR) return FAULT.BAD_CHUNK_END;
        this.#state = STATE.CHUNK_LF;
        return start + 1;
      default:
        if (code !== LF) return FAULT.BAD_CHUNK_END;
        this.#beginChunk();
        return start + 1;
    }
  }

  #size(bytes: Buffer, start: number, end: number): number {
    let i = start;
    for (; i < end; i++) {
      const digit = hexDigit(bytes[i]!);
      if (digit < 0) break;
      if (++this.#digits > maxSizeDigits) return FAULT.BAD_CHUNK_SIZE;
      this.#left = this.#left * 16 + digit;
    }
    if (i === end) return i;
    if (this.#digits === 0) return FAULT.BAD_CHUNK_SIZE;
    return this.#behindSize(bytes[i]!, i);
  }

  #behindSize(code: number, at: number): number {
    if (code === CR) {
      this.#state = STATE.CHUNK_SIZE_LF;
      return at + 1;
    }
    if (code === LF) return FAULT.BARE_LF;
    const isBlank = code === SP || code === HTAB;
    if (isBlank && this.#takesBlanks && ++this.#blanks <= maxBlanks) {
      this.#state = STATE.CHUNK_BLANKS;
      return at + 1;
    }
    return code === 0x3b || isBlank ? FAULT.CHUNK_EXTENSION : FAULT.BAD_CHUNK_SIZE;
  }

  #readTrailers(bytes: Buffer, start: number, end: number): number {
    // Nearly always the empty line alone, whole.
    if (this.#trailersUsed === 0 && bytes[start] === CR && start + 1 < end && bytes[start + 1] === LF) {
      this.#finish(undefined);
      return start + 2;
    }
    const before = this.#trailersUsed;
    this.#appendTrailers(bytes, start, end);
    const used = this.#trailersUsed;
    const max = this.#limits.maxTrailerBytes;
    // Without a new line end there is nothing new to decide, and a trickle of single bytes costs no more than a flood.
    if (used <= max && bytes.subarray(start, end).indexOf(LF) < 0) return end;
    const trailers = this.#collected();
    const after = scanTrailers(trailers, this.#trailerLine, used);
    if (after < 0) return after;
    if (after === 0) {
      this.#trailerLine = incompleteLine;
      return used > max ? FAULT.TRAILERS_TOO_LARGE : end;
    }
    if (after > max) return FAULT.TRAILERS_TOO_LARGE;
    trailers.end = after;
    this.#finish(trailers.count > 0 ? trailers : undefined);
    return start + after - before;
  }

  #appendTrailers(bytes: Buffer, start: number, end: number): void {
    const needed = this.#trailersUsed + end - start;
    if (this.#bytes === undefined || this.#bytes.length < needed) {
      const larger = Buffer.allocUnsafe(Math.max(256, needed * 2));
      this.#bytes?.copy(larger, 0, 0, this.#trailersUsed);
      this.#bytes = larger;
    }
    bytes.copy(this.#bytes, this.#trailersUsed, start, end);
    this.#trailersUsed = needed;
  }

  #collected(): Fields {
    const bytes = this.#bytes!;
    this.#trailers ??= new Fields(usualTrailers);
    // Where more has come since, they are in another buffer, at the same places.
    this.#trailers.bytes = bytes;
    return this.#trailers;
  }

  #forgetTrailers(): void {
    this.#bytes = undefined;
    this.#trailers = undefined;
    this.#trailersUsed = 0;
    this.#trailerLine = 0;
  }

  #finish(trailers: Fields | undefined): void {
    this.#state = STATE.DONE;
    this.#forgetTrailers();
    this.#sink.onBodyEnd(trailers);
  }
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** Where the line begins that made scanTrailers return 0. */
let incompleteLine = 0;

/**
 * Notes the trailers in `trailers.bytes[start, end)`. The offset after the empty line that ends them; 0 when it is not there yet;
 * negative FAULT.
 */
function scanTrailers(trailers: Fields, start: number, end: number): number {
  const { bytes } = trailers;
  let i = start;
  for (;;) {
    incompleteLine = i;
    if (i === end) return 0;
    if (bytes[i] === CR) {
      if (i + 1 === end) return 0;
      return bytes[i + 1] === LF ? i + 2 : FAULT.BARE_CR;
    }
    i = scanTrailer(trailers, i, end);
    if (i <= 0) return i;
  }
}

function trailerNameFault(code: number): number {
  if (isSpace(code)) return FAULT.SPACE_BEFORE_COLON;
  return code === CR ? FAULT.NO_COLON : FAULT.BAD_HEADER_NAME;
}

/** The offset after one trailer line. */
function scanTrailer(trailers: Fields, start: number, end: number): number {
  const { bytes } = trailers;
  let i = start;
  while (i < end && TOKEN[bytes[i]!] === 1) i++;
  if (i === end) return 0;
  if (i === start)
    return bytes[i] === LF ? FAULT.BARE_LF : isSpace(bytes[i]!) ? FAULT.OBS_FOLD : FAULT.BAD_HEADER_NAME;
  if (bytes[i] !== 0x3a) return trailerNameFault(bytes[i]!);
  if (isForbiddenTrailer(bytes, start, i)) return FAULT.FORBIDDEN_TRAILER;
  const nameEnd = i;
  while (++i < end && FIELD[bytes[i]!] === 1);
  if (i === end) return 0;
  if (bytes[i] !== CR) return bytes[i] === LF ? FAULT.BARE_LF : FAULT.BAD_HEADER_VALUE;
  if (i + 1 === end) return 0;
  if (bytes[i + 1] !== LF) return FAULT.BARE_CR;
  let valueStart = nameEnd + 1;
  let valueEnd = i;
  while (valueStart < valueEnd && isSpace(bytes[valueStart]!)) valueStart++;
  while (valueEnd > valueStart && isSpace(bytes[valueEnd - 1]!)) valueEnd--;
  trailers.push(start, nameEnd, valueStart, valueEnd, i + 2);
  return i + 2;
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
