// Writes HTTP/1 messages straight into the scratch buffer of a wire: heads as they came, minus removed lines, plus added ones.
import { type Fields, type Head, type LocalReply, reasonPhrase } from '../http/index.ts';
import { reserve, SCRATCH_BYTES, scratch, type Wire } from '../wire/index.ts';

const line = (text: string): Buffer => Buffer.from(`${text}\r\n`, 'latin1');
const colon = Buffer.from(': ', 'latin1');
const versionAndEnd = line(' HTTP/1.1');
const versionAndSpace = Buffer.from('HTTP/1.1 ', 'latin1');
const end = line('');
const nothing = Buffer.alloc(0);
const lastChunk = line('0\r\n');
const lastChunkBegin = line('0');

/** Lines that codecs add. */
export const LINES = {
  chunked: line('transfer-encoding: chunked'),
  close: line('connection: close'),
  keepAlive: line('connection: keep-alive'),
} as const;

function put(bytes: Uint8Array, from: number, to: number): void {
  const length = to - from;
  if (length > 64) {
    if (Buffer.isBuffer(bytes)) bytes.copy(scratch.bytes, scratch.used, from, to);
    else scratch.bytes.set(bytes.subarray(from, to), scratch.used);
    scratch.used += length;
    return;
  }
  const out = scratch.bytes;
  let at = scratch.used;
  for (let i = from; i < to; i++) out[at++] = bytes[i]!;
  scratch.used = at;
}

function putAll(bytes: Uint8Array): void {
  put(bytes, 0, bytes.length);
}

/** Upper bound on the bytes of a serialized head. */
function boundOf(head: Head): number {
  return head.end - head.start + head.addedBytes + (head.newTarget?.length ?? 0) + 128;
}

/** Lines that are not removed, then the added ones, then the empty line. */
function putFields(fields: Fields): void {
  const { bytes } = fields;
  const stop = fields.end - 2;
  if (!fields.removedAny) put(bytes, fields.headersStart, stop);
  else {
    let from = fields.headersStart;
    for (let index = 0; index < fields.count; index++) {
      if (!fields.isRemoved(index)) continue;
      const start = fields.nameStart(index);
      if (start > from) put(bytes, from, start);
      from = fields.lineEnd(index);
    }
    if (stop > from) put(bytes, from, stop);
  }
  for (let i = 0; i < fields.addedCount; i++) {
    putAll(fields.addedNames[i]!);
    putAll(colon);
    putAll(fields.addedValues[i]!);
    putAll(end);
  }
  putAll(end);
}

/**
 * A request head with `extra` lines of the codec's own; larger ones than the scratch buffer are written in pieces of their own.
 */
export function writeRequestHead(wire: Wire, head: Head, extra: Buffer | undefined): void {
  const bound = boundOf(head) + (extra?.length ?? 0);
  if (bound > SCRATCH_BYTES) {
    writeLarge(wire, head, [
      head.bytes.subarray(head.methodStart, head.methodEnd),
      Buffer.from(' '),
      head.newTarget ?? head.bytes.subarray(head.targetStart, head.targetEnd),
      versionAndEnd,
      extra ?? nothing,
    ]);
    return;
  }
  reserve(wire, bound);
  put(head.bytes, head.methodStart, head.methodEnd + 1);
  if (head.newTarget === undefined) put(head.bytes, head.targetStart, head.targetEnd);
  else putAll(head.newTarget);
  putAll(versionAndEnd);
  if (extra !== undefined) putAll(extra);
  putFields(head);
}

/** A response head with `extra` lines of the codec's own. */
export function writeResponseHead(wire: Wire, head: Head, extra: Buffer | undefined): void {
  const bound = boundOf(head) + (extra?.length ?? 0);
  const { status } = head;
  if (bound > SCRATCH_BYTES) {
    writeLarge(wire, head, [
      versionAndSpace,
      Buffer.from(`${status} `),
      head.bytes.subarray(head.reasonStart, head.reasonEnd),
      end,
      extra ?? nothing,
    ]);
    return;
  }
  reserve(wire, bound);
  putAll(versionAndSpace);
  const out = scratch.bytes;
  let at = scratch.used;
  out[at++] = 0x30 + ((status / 100) | 0);
  out[at++] = 0x30 + (((status / 10) | 0) % 10);
  out[at++] = 0x30 + (status % 10);
  out[at++] = 0x20;
  scratch.used = at;
  put(head.bytes, head.reasonStart, head.reasonEnd);
  putAll(end);
  if (extra !== undefined) putAll(extra);
  putFields(head);
}

function writeLarge(wire: Wire, fields: Fields, begin: readonly Uint8Array[]): void {
  for (const piece of begin) wire.write(piece, 0, piece.length);
  let from = fields.headersStart;
  for (let index = 0; index < fields.count; index++) {
    if (!fields.isRemoved(index)) continue;
    wire.write(fields.bytes, from, fields.nameStart(index));
    from = fields.lineEnd(index);
  }
  wire.write(fields.bytes, from, fields.end - 2);
  for (let i = 0; i < fields.addedCount; i++)
    for (const piece of [fields.addedNames[i]!, colon, fields.addedValues[i]!, end])
      wire.write(piece, 0, piece.length);
  wire.write(end, 0, end.length);
}

/** The answer that opens the tunnel of CONNECT. */
export const TUNNEL_OPEN: Buffer = Buffer.from('HTTP/1.1 200 OK\r\n\r\n', 'latin1');

/** A complete answer of Weft's own. `withBody`: false for the answer to HEAD. */
export function writeLocalReply(wire: Wire, reply: LocalReply, withBody: boolean): void {
  const bytes = localReplyBytes(reply, withBody);
  wire.write(bytes, 0, bytes.length);
}

/** The same as bytes, for a wire that has no connection of this codec (yet): fields, framing, an empty line, the body. */
export function localReplyBytes(reply: LocalReply, withBody = true): Buffer {
  const { status, contentType, fields, close } = reply;
  const body = Buffer.from(reply.body, 'utf8');
  const bodiless = status === 204 || status === 304;
  let head = `HTTP/1.1 ${status} ${reasonPhrase(status)}\r\n`;
  let typed = contentType === '';
  for (const [name, value] of fields) {
    head += `${name}: ${value}\r\n`;
    // What a policy sets goes over what the answer is by itself.
    typed ||= name.toLowerCase() === 'content-type';
  }
  if (!bodiless)
    head += `${typed ? '' : `content-type: ${contentType}\r\n`}content-length: ${body.length}\r\n`;
  if (close) head += 'connection: close\r\n';
  const bytes = Buffer.from(`${head}\r\n`, 'latin1');
  return withBody && !bodiless ? Buffer.concat([bytes, body]) : bytes;
}

const hex = Buffer.from('0123456789abcdef', 'latin1');

/** One chunk (RFC 9112 section 7.1). `start < to`. */
export function writeChunk(wire: Wire, bytes: Buffer, start: number, to: number): void {
  const largest = SCRATCH_BYTES - 32;
  for (let from = start; from < to; from += largest) {
    const length = Math.min(to - from, largest);
    reserve(wire, length + 16);
    let shift = 0;
    while (length >>> shift > 15) shift += 4;
    const out = scratch.bytes;
    for (; shift >= 0; shift -= 4) out[scratch.used++] = hex[(length >>> shift) & 15]!;
    putAll(end);
    put(bytes, from, from + length);
    putAll(end);
  }
}

/** The end of a chunked body with its trailers. */
export function writeLastChunk(wire: Wire, trailers: Fields | undefined): void {
  if (trailers === undefined) {
    reserve(wire, lastChunk.length);
    putAll(lastChunk);
    return;
  }
  writeLarge(wire, trailers, [lastChunkBegin]);
}
