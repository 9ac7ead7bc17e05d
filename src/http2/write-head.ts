// Heads and trailers as blocks of HPACK. What belongs to connections of HTTP/1 stays behind, the first line becomes pseudo
// headers, and names are written in lower case.

import { BEGIN_BYTES, type Encoder, FIELD_OVERHEAD, NAME, nameId } from '../hpack/index.ts';
import { type Fields, type Head, METHOD } from '../http/index.ts';
import type { Wire } from '../wire/index.ts';
import { nameOf } from './read-fields.ts';
import { type BlockTarget, beginBlock, endBlock } from './write-frames.ts';

/** Entries of the static table that are whole. */
const STATIC = { GET: 2, POST: 3, ROOT: 4, HTTP: 6, HTTPS: 7 } as const;
const CONNECT = Buffer.from('CONNECT', 'latin1');
const WEBSOCKET = Buffer.from('websocket', 'latin1');
const HTTP1 = Buffer.from('1', 'latin1');
const SLASH = Buffer.from('/', 'latin1');
/** Pseudo headers: their names are numbers, and what else they take. */
const PSEUDO_BYTES = 128;
const SPACE = 0x20;
const SEMICOLON = 0x3b;

/** Whether a field stays on its connection (RFC 9113 section 8.2.2), or is told otherwise. */
const hopByHop = new Uint8Array(256);
for (const id of [
  NAME.HOST,
  NAME.CONNECTION,
  NAME.KEEP_ALIVE,
  NAME.PROXY_CONNECTION,
  NAME.TRANSFER_ENCODING,
  NAME.UPGRADE,
  NAME.HTTP2_SETTINGS,
])
  hopByHop[id] = 1;

/** What a block of these fields takes at most. */
export function boundOf(fields: Fields): number {
  const count = fields.count + fields.addedCount;
  return fields.end - fields.start + fields.addedBytes + count * FIELD_OVERHEAD + BEGIN_BYTES + PSEUDO_BYTES;
}

/** How a request is told to this peer. */
export interface RequestForm {
  /** Whether `:scheme` is https. */
  readonly secure: boolean;
  /** Whether crumbs of Cookie go apart, for the sake of a table. */
  readonly splitCookies: boolean;
  /** Whether the peer is a proxy that is told what the client spoke. */
  readonly tellsClient: boolean;
}

/** HEADERS of a request. An upgrade to WebSocket becomes an extended CONNECT (RFC 8441). */
export function writeRequest(
  wire: Wire,
  encoder: Encoder,
  head: Head,
  form: RequestForm,
  streamId: number,
  end: boolean,
): void {
  // Crumbs that are split may be many and short: each costs three bytes in place of the two between them.
  const bound = boundOf(head) + (head.newTarget?.length ?? 0);
  const target = beginBlock(wire, form.splitCookies ? bound * 2 : bound);
  const { out } = target;
  let at = encoder.begin(out, target.at);
  const { bytes, method } = head;
  if (head.isUpgrade) at = encoder.named(out, at, NAME.METHOD, CONNECT, 0, CONNECT.length);
  else if (method === METHOD.GET) at = encoder.indexed(out, at, STATIC.GET);
  else if (method === METHOD.POST) at = encoder.indexed(out, at, STATIC.POST);
  else at = encoder.named(out, at, NAME.METHOD, bytes, head.methodStart, head.methodEnd);
  if (head.isUpgrade) at = encoder.named(out, at, NAME.PROTOCOL, WEBSOCKET, 0, WEBSOCKET.length);
  if (method !== METHOD.CONNECT) {
    at = encoder.indexed(out, at, form.secure ? STATIC.HTTPS : STATIC.HTTP);
    at = authority(encoder, head, out, at);
    at = path(encoder, head, out, at);
  } else {
    const to = head.newTarget ?? bytes;
    const from = head.newTarget === undefined ? head.targetStart : 0;
    at = encoder.named(out, at, NAME.AUTHORITY, to, from, head.newTarget?.length ?? head.targetEnd);
  }
  target.at = at;
  fieldsOf(
    encoder,
    head,
    target,
    head.hasSecrets,
    head.isUpgrade ? NAME.WEBSOCKET_KEY : 0,
    form.splitCookies,
  );
  if (form.tellsClient && (head.major === 1 || head.translated))
    target.at = encoder.named(target.out, target.at, NAME.TRANSLATED, HTTP1, 0, HTTP1.length);
  endBlock(wire, streamId, end);
}

const hostName = Buffer.from('host', 'latin1');

function authority(encoder: Encoder, head: Head, out: Buffer, at: number): number {
  if (head.host >= 0 && !head.isRemoved(head.host)) {
    const from = head.valueStart(head.host);
    return encoder.named(out, at, NAME.AUTHORITY, head.bytes, from, head.valueEnd(head.host));
  }
  for (let i = 0; i < head.addedCount; i++) {
    const name = head.addedNames[i]!;
    if (name.length !== hostName.length || nameId(name, 0, name.length) !== NAME.HOST) continue;
    const value = head.addedValues[i]!;
    return encoder.named(out, at, NAME.AUTHORITY, value, 0, value.length);
  }
  return at;
}

function path(encoder: Encoder, head: Head, out: Buffer, at: number): number {
  const bytes = head.newTarget ?? head.bytes;
  let from = head.newTarget === undefined ? head.targetStart : 0;
  const to = head.newTarget === undefined ? head.targetEnd : bytes.length;
  if (bytes[from] !== 0x2f && bytes[from] !== 0x2a) {
    // A URL as a client of a proxy writes it: `:path` has neither scheme nor host.
    from = bytes.indexOf('://', from, 'latin1') + 3;
    while (from < to && bytes[from] !== 0x2f && bytes[from] !== 0x3f) from++;
    if (from < to && bytes[from] === 0x3f)
      return encoder.named(
        out,
        at,
        NAME.PATH,
        Buffer.concat([SLASH, bytes.subarray(from, to)]),
        0,
        to - from + 1,
      );
    if (from >= to) return encoder.indexed(out, at, STATIC.ROOT);
  }
  if (to - from === 1 && bytes[from] === 0x2f) return encoder.indexed(out, at, STATIC.ROOT);
  return encoder.named(out, at, NAME.PATH, bytes, from, to);
}

/** HEADERS of an answer. `status` is that of the head, but for the one that opens a WebSocket, which is 200 here. */
export function writeResponse(
  wire: Wire,
  encoder: Encoder,
  head: Head,
  streamId: number,
  end: boolean,
): void {
  const target = beginBlock(wire, boundOf(head));
  const isUpgrade = head.status === 101;
  target.at = encoder.status(target.out, encoder.begin(target.out, target.at), isUpgrade ? 200 : head.status);
  fieldsOf(encoder, head, target, head.hasSecrets, isUpgrade ? NAME.WEBSOCKET_ACCEPT : 0, false);
  endBlock(wire, streamId, end);
}

/** HEADERS that end a stream. */
export function writeTrailers(wire: Wire, encoder: Encoder, trailers: Fields, streamId: number): void {
  const target = beginBlock(wire, boundOf(trailers));
  target.at = encoder.begin(target.out, target.at);
  fieldsOf(encoder, trailers, target, false, 0, false);
  endBlock(wire, streamId, true);
}

/** All fields that go on, but those named `without`; `never`: none of them is indexed. */
function fieldsOf(
  encoder: Encoder,
  fields: Fields,
  target: BlockTarget,
  never: boolean,
  without: number,
  splitCookies: boolean,
): void {
  const { bytes } = fields;
  const { out } = target;
  let at = target.at;
  for (let index = 0; index < fields.count; index++) {
    if (fields.isRemoved(index)) continue;
    const id = nameOf(fields, index);
    if (id !== NAME.OTHER && (hopByHop[id] === 1 || id === without)) continue;
    const nameStart = fields.nameStart(index);
    const nameEnd = fields.nameEnd(index);
    const from = fields.valueStart(index);
    const to = fields.valueEnd(index);
    if (splitCookies && id === NAME.COOKIE) at = crumbs(encoder, bytes, from, to, out, at);
    else at = encoder.field(out, at, id, bytes, nameStart, nameEnd, bytes, from, to, never);
  }
  for (let i = 0; i < fields.addedCount; i++) {
    const name = fields.addedNames[i]!;
    const value = fields.addedValues[i]!;
    const id = nameId(name, 0, name.length);
    if (id !== NAME.OTHER && (hopByHop[id] === 1 || id === without)) continue;
    at = encoder.field(out, at, id, name, 0, name.length, value, 0, value.length, false);
  }
  target.at = at;
}

/** RFC 9113 section 8.2.3: of a Cookie, each crumb by itself. */
function crumbs(
  encoder: Encoder,
  bytes: Buffer,
  start: number,
  end: number,
  out: Buffer,
  at: number,
): number {
  let to = at;
  for (let from = start; from < end; ) {
    let stop = from;
    while (stop < end && !(bytes[stop] === SEMICOLON && bytes[stop + 1] === SPACE)) stop++;
    to = encoder.named(out, to, NAME.COOKIE, bytes, from, stop);
    from = stop + 2;
  }
  return to;
}
