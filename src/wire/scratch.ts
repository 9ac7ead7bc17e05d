// The one outgoing buffer. Serializers write straight into it; it belongs to one wire at a time and is flushed with one
// system call when another wire wants it, when it is full, or when the event that is being handled ends. So a head and
// the first part of its body, or several pipelined answers, leave in one packet without anybody thinking of corking.

import { stopNow } from './late-stops.ts';

/** What may own the scratch buffer. */
export interface ScratchOwner {
  /** Sends `bytes[0, length)`. Returns true when the kernel holds on to `bytes`, which then must not be written again. */
  writeScratch(bytes: Buffer, length: number): boolean;
  /** An error of Weft's own came up while it was sent to: tells it and closes. Never throws. */
  crash(where: string, thrown: unknown): void;
}

const size = 128 * 1024;
const spare: Buffer[] = [];
const spareLimit = 8;

/**
 * Mutable on purpose: the serializers of the hot path write `bytes` at `used` and move it on. As long as `turn` is the same,
 * what lies before `used` is still of the same wire, and may still be changed.
 */
export const scratch: { bytes: Buffer; used: number; turn: number } = {
  bytes: Buffer.allocUnsafeSlow(size),
  used: 0,
  turn: 0,
};

let owner: ScratchOwner | undefined;
let insideEvent = false;
let flushQueued = false;
let lateFlushQueued = false;

/**
 * Makes room for `length` more bytes of `wire` at `scratch.bytes[scratch.used]`. `length` must not exceed SCRATCH_BYTES;
 * larger pieces go through Wire.write, which cuts them.
 */
export function reserve(wire: ScratchOwner, length: number): void {
  if (owner !== wire || scratch.used + length > size) {
    if (owner !== undefined) flush();
    owner = wire;
  }
  if (!insideEvent && !flushQueued) {
    flushQueued = true;
    queueMicrotask(flushOutside);
  }
}

/** Writes `from[start, end)` where `reserve` has made room. Short copies are faster in a loop than through the native call. */
export function append(from: Uint8Array, start: number, end: number): void {
  const { bytes: to } = scratch;
  let at = scratch.used;
  scratch.used += end - start;
  if (end - start > 96) {
    if (Buffer.isBuffer(from)) from.copy(to, at, start, end);
    else to.set(from.subarray(start, end), at);
    return;
  }
  for (let i = start; i < end; i++) to[at++] = from[i]!;
}

/** Bytes that one reservation can have. */
export const SCRATCH_BYTES = size;

/** Sends what was written so far. */
export function flush(): void {
  const wire = owner;
  if (wire === undefined) return;
  owner = undefined;
  const length = scratch.used;
  scratch.used = 0;
  scratch.turn++;
  if (length === 0) return;
  const bytes = scratch.bytes;
  // Replaced before the write when there is a spare, because a write may call back into code that reserves again.
  if (wire.writeScratch(bytes, length)) scratch.bytes = spare.pop() ?? Buffer.allocUnsafeSlow(size);
}

/** Gives a buffer back that writeScratch kept; one that is none of these is left to the collector. */
export function giveBack(bytes: Buffer): void {
  if (bytes.length === SCRATCH_BYTES && spare.length < spareLimit) spare.push(bytes);
}

/** Whether what is in the scratch buffer is this wire's. */
export function isOwner(wire: ScratchOwner): boolean {
  return owner === wire;
}

/** Forgets the first `length` bytes: they have been sent. Only while it is `wire`'s. */
export function drop(wire: ScratchOwner, length: number): void {
  if (length === scratch.used) {
    discard(wire);
    return;
  }
  scratch.bytes.copyWithin(0, length, scratch.used);
  scratch.used -= length;
  scratch.turn++;
}

/** Forgets what a wire that is being destroyed has not sent. */
export function discard(wire: ScratchOwner): void {
  if (owner !== wire) return;
  owner = undefined;
  scratch.used = 0;
  scratch.turn++;
}

/** Sends what this wire has in the scratch buffer, if anything. */
export function flushFor(wire: ScratchOwner): void {
  if (owner === wire) flush();
}

/** Marks the begin of handling one event of the event loop; everything until `leaveEvent` is flushed together. */
export function enterEvent(): void {
  insideEvent = true;
}

/** The end of the event: what is left is sent. */
export function leaveEvent(): void {
  if (owner !== undefined) flushSafely(owner);
  insideEvent = false;
  stopNow();
}

/** Whether an event is being handled, at whose end what waits for it is done. */
export function isInsideEvent(): boolean {
  return insideEvent;
}

/**
 * The end of an event that another of the same connection follows most likely at once: what is left may wait for what that adds,
 * and is sent in this turn of the event loop all the same, or earlier when another wire writes.
 */
export function leaveEventOpen(): void {
  insideEvent = false;
  stopNow();
  if (owner === undefined || lateFlushQueued) return;
  lateFlushQueued = true;
  setImmediate(flushLate);
}

function flushLate(): void {
  lateFlushQueued = false;
  if (owner !== undefined) flushSafely(owner);
}

function flushOutside(): void {
  flushQueued = false;
  if (!insideEvent && owner !== undefined) flushSafely(owner);
}

/** At the end of an event nobody is left who could catch anything. */
function flushSafely(wire: ScratchOwner): void {
  try {
    flush();
  } catch (thrown) {
    wire.crash('wire.flush', thrown);
  }
}
