// Writes frames straight into the scratch buffer of a wire.
import { isOwner, reserve, SCRATCH_BYTES, scratch, type Wire } from '../wire/index.ts';
import { FLAGS, FRAME, FRAME_BYTES, FRAME_HEADER_BYTES, PREFACE } from './frames.ts';

const nothing = Buffer.alloc(0);

/** A frame's header at `at`. */
function putHeader(
  out: Buffer,
  at: number,
  length: number,
  type: number,
  flags: number,
  streamId: number,
): void {
  out[at] = length >>> 16;
  out[at + 1] = length >>> 8;
  out[at + 2] = length;
  out[at + 3] = type;
  out[at + 4] = flags;
  putInteger(out, at + 5, streamId);
}

function putInteger(out: Buffer, at: number, value: number): void {
  out[at] = value >>> 24;
  out[at + 1] = value >>> 16;
  out[at + 2] = value >>> 8;
  out[at + 3] = value;
}

/** The DATA that was written last: where, to what offset, for which stream, and the turn of the scratch buffer. */
const lastData = { at: 0, end: -1, streamId: 0, turn: 0 };

/** DATA with `bytes[start, end)`: FRAME_BYTES at most. */
export function writeData(
  wire: Wire,
  streamId: number,
  flags: number,
  bytes: Buffer,
  start: number,
  end: number,
): void {
  const length = end - start;
  reserve(wire, length + FRAME_HEADER_BYTES);
  const out = scratch.bytes;
  putHeader(out, scratch.used, length, FRAME.DATA, flags, streamId);
  let at = scratch.used + FRAME_HEADER_BYTES;
  if (length > 96) bytes.copy(out, at, start, end);
  else for (let i = start; i < end; i++) out[at++] = bytes[i]!;
  lastData.at = scratch.used;
  scratch.used += length + FRAME_HEADER_BYTES;
  lastData.end = scratch.used;
  lastData.streamId = streamId;
  lastData.turn = scratch.turn;
}

/** The end of a stream: on its last DATA, where that has not left yet and nothing follows it, otherwise as an empty one. */
export function writeEnd(wire: Wire, streamId: number): void {
  const { at, end } = lastData;
  if (
    end === scratch.used &&
    lastData.turn === scratch.turn &&
    lastData.streamId === streamId &&
    isOwner(wire)
  )
    scratch.bytes[at + 4] = scratch.bytes[at + 4]! | FLAGS.END_STREAM;
  else writeData(wire, streamId, FLAGS.END_STREAM, nothing, 0, 0);
}

/** One of the frames whose payload is a number. */
export function writeNumber(wire: Wire, type: number, streamId: number, value: number): void {
  reserve(wire, FRAME_HEADER_BYTES + 4);
  putHeader(scratch.bytes, scratch.used, 4, type, 0, streamId);
  putInteger(scratch.bytes, scratch.used + FRAME_HEADER_BYTES, value);
  scratch.used += FRAME_HEADER_BYTES + 4;
}

/** PING with `bytes[start, start + 8)`. */
export function writePing(wire: Wire, flags: number, bytes: Uint8Array, start: number): void {
  reserve(wire, FRAME_HEADER_BYTES + 8);
  const out = scratch.bytes;
  putHeader(out, scratch.used, 8, FRAME.PING, flags, 0);
  for (let i = 0; i < 8; i++) out[scratch.used + FRAME_HEADER_BYTES + i] = bytes[start + i]!;
  scratch.used += FRAME_HEADER_BYTES + 8;
}

/** GOAWAY with words for whoever reads logs. */
export function writeGoaway(wire: Wire, lastStreamId: number, code: number, words: string): void {
  const text = Buffer.from(words.slice(0, 200), 'latin1');
  const length = 8 + text.length;
  reserve(wire, FRAME_HEADER_BYTES + length);
  const out = scratch.bytes;
  putHeader(out, scratch.used, length, FRAME.GOAWAY, 0, 0);
  putInteger(out, scratch.used + FRAME_HEADER_BYTES, lastStreamId);
  putInteger(out, scratch.used + FRAME_HEADER_BYTES + 4, code);
  text.copy(out, scratch.used + FRAME_HEADER_BYTES + 8);
  scratch.used += FRAME_HEADER_BYTES + length;
}

export function writeSettingsAck(wire: Wire): void {
  reserve(wire, FRAME_HEADER_BYTES);
  putHeader(scratch.bytes, scratch.used, 0, FRAME.SETTINGS, FLAGS.ACK, 0);
  scratch.used += FRAME_HEADER_BYTES;
}

/** SETTINGS of these pairs, behind the preface where we are the client. */
export function writeSettings(
  wire: Wire,
  pairs: readonly (readonly [id: number, value: number])[],
  preface: boolean,
): void {
  reserve(wire, PREFACE.length + FRAME_HEADER_BYTES + pairs.length * 6);
  const out = scratch.bytes;
  let at = scratch.used;
  if (preface) at += PREFACE.copy(out, at);
  putHeader(out, at, pairs.length * 6, FRAME.SETTINGS, 0, 0);
  at += FRAME_HEADER_BYTES;
  for (const [id, value] of pairs) {
    out[at] = id >>> 8;
    out[at + 1] = id;
    putInteger(out, at + 2, value);
    at += 6;
  }
  scratch.used = at;
}

/** Where a block of fields is being written. */
export interface BlockTarget {
  out: Buffer;
  at: number;
}

const target: BlockTarget = { out: scratch.bytes, at: 0 };

/**
 * Room for a block of at most `bound` bytes: in the scratch buffer behind the header of its frame, or where it may need several
 * frames, beside it. Whoever fills it moves `at` on and calls endBlock next.
 */
export function beginBlock(wire: Wire, bound: number): BlockTarget {
  if (bound <= FRAME_BYTES && bound + FRAME_HEADER_BYTES <= SCRATCH_BYTES) {
    reserve(wire, bound + FRAME_HEADER_BYTES);
    target.out = scratch.bytes;
    target.at = scratch.used + FRAME_HEADER_BYTES;
  } else {
    target.out = Buffer.allocUnsafeSlow(bound);
    target.at = 0;
  }
  return target;
}

/** Sends the block that ends at `target.at` as HEADERS, and as CONTINUATION what is longer than a frame. */
export function endBlock(wire: Wire, streamId: number, endStream: boolean): void {
  const { out, at } = target;
  const flags = endStream ? FLAGS.END_STREAM : 0;
  if (out === scratch.bytes) {
    const length = at - scratch.used - FRAME_HEADER_BYTES;
    putHeader(out, scratch.used, length, FRAME.HEADERS, flags | FLAGS.END_HEADERS, streamId);
    scratch.used = at;
    return;
  }
  for (let from = 0; from < at || from === 0; from += FRAME_BYTES) {
    const to = Math.min(at, from + FRAME_BYTES);
    const isLast = to === at ? FLAGS.END_HEADERS : 0;
    reserve(wire, FRAME_HEADER_BYTES + to - from);
    const type = from === 0 ? FRAME.HEADERS : FRAME.CONTINUATION;
    putHeader(scratch.bytes, scratch.used, to - from, type, (from === 0 ? flags : 0) | isLast, streamId);
    out.copy(scratch.bytes, scratch.used + FRAME_HEADER_BYTES, from, to);
    scratch.used += FRAME_HEADER_BYTES + to - from;
  }
  target.out = scratch.bytes;
}
