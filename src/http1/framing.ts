// What a message's headers say about its body and its connection: RFC 9112 sections 6, 7.1 and 9, with one rule where the RFC
// allows several. Content-Length once or Transfer-Encoding: chunked, never both, never twice.
import {
  eachToken,
  equalsIgnoreCase,
  GRPC_STATUS,
  type Head,
  isAuthority,
  isBodiless,
  METHOD,
  mergesWith,
  namesConnectionLogin,
  UNKNOWN_LENGTH,
} from '../http/index.ts';
import { FAULT } from './faults.ts';

const ascii = (text: string): Buffer => Buffer.from(text, 'latin1');
const names = {
  te: ascii('te'),
  host: ascii('host'),
  expect: ascii('expect'),
  upgrade: ascii('upgrade'),
  connection: ascii('connection'),
  keepAlive: ascii('keep-alive'),
  requestId: ascii('x-request-id'),
  contentLength: ascii('content-length'),
  forwardedFor: ascii('x-forwarded-for'),
  proxyConnection: ascii('proxy-connection'),
  transferEncoding: ascii('transfer-encoding'),
  http2Settings: ascii('http2-settings'),
  clientCertificate: ascii('x-forwarded-client-cert'),
  authorization: ascii('authorization'),
  persistentAuth: ascii('persistent-auth'),
  wwwAuthenticate: ascii('www-authenticate'),
  proxyAuthenticate: ascii('proxy-authenticate'),
  proxyAuthorization: ascii('proxy-authorization'),
};
const words = {
  close: ascii('close'),
  keepAlive: ascii('keep-alive'),
  upgrade: ascii('upgrade'),
  chunked: ascii('chunked'),
  trailers: ascii('trailers'),
  continue: ascii('100-continue'),
  timeout: ascii('timeout='),
  h2c: ascii('h2c'),
};

const connection = ascii('connection');
const upgradeWord = ascii('upgrade');

/** Headers that a Connection header may name without being taken out: without them the message would mean something else. */
const protectedNames = [
  'host',
  'content-length',
  'transfer-encoding',
  'te',
  'upgrade',
  'authorization',
  'cookie',
  'x-forwarded-for',
  'x-forwarded-client-cert',
  'expect',
  'date',
  'set-cookie',
  'content-type',
  'cache-control',
].map(ascii);

/** Called for every header line while it is parsed: notes the ones that matter. Returns a negative FAULT or 0. */
export function note(
  head: Head,
  index: number,
  bytes: Buffer,
  nameStart: number,
  nameEnd: number,
  valueStart: number,
  valueEnd: number,
): number {
  switch (nameEnd - nameStart) {
    case 2:
      if (!equalsIgnoreCase(bytes, nameStart, nameEnd, names.te)) return 0;
      // Transfer codings are hop by hop and we offer none.
      noteTe(head, index, valueStart, valueEnd);
      return 0;
    case 4:
      if (!equalsIgnoreCase(bytes, nameStart, nameEnd, names.host)) return 0;
      if (head.host >= 0) return FAULT.DUPLICATE_HOST;
      head.host = index;
      return 0;
    case 6:
      if (equalsIgnoreCase(bytes, nameStart, nameEnd, names.expect)) {
        head.expect = index;
        head.expectContinue = equalsIgnoreCase(bytes, valueStart, valueEnd, words.continue);
      }
      return 0;
    case 7:
      if (equalsIgnoreCase(bytes, nameStart, nameEnd, names.upgrade))
        noteUpgrade(head, index, valueStart, valueEnd);
      return 0;
    case 10:
      if (equalsIgnoreCase(bytes, nameStart, nameEnd, names.connection))
        noteConnection(head, index, valueStart, valueEnd);
      else if (equalsIgnoreCase(bytes, nameStart, nameEnd, names.keepAlive))
        noteKeepAlive(head, index, valueStart, valueEnd);
      return 0;
    case 11:
      if (equalsIgnoreCase(bytes, nameStart, nameEnd, GRPC_STATUS)) head.grpcStatus = index;
      return 0;
    case 12:
      if (equalsIgnoreCase(bytes, nameStart, nameEnd, names.requestId)) head.requestId = index;
      return 0;
    case 13:
      noteLogin(head, bytes, nameStart, nameEnd, names.authorization, valueStart, valueEnd);
      return 0;
    case 14:
      if (!equalsIgnoreCase(bytes, nameStart, nameEnd, names.contentLength)) return 0;
      if (isInformational(head)) {
        head.remove(index);
        return 0;
      }
      if (head.contentLength >= 0) return FAULT.DUPLICATE_CONTENT_LENGTH;
      head.contentLength = index;
      head.bodyLength = parseLength(bytes, valueStart, valueEnd);
      return head.bodyLength < 0 ? FAULT.BAD_CONTENT_LENGTH : 0;
    case 15:
      if (head.forwardedFor < 0 && equalsIgnoreCase(bytes, nameStart, nameEnd, names.forwardedFor))
        head.forwardedFor = index;
      else if (equalsIgnoreCase(bytes, nameStart, nameEnd, names.persistentAuth)) head.connectionLogin = true;
      return 0;
    case 16:
      if (equalsIgnoreCase(bytes, nameStart, nameEnd, names.proxyConnection))
        noteProxyConnection(head, index);
      else noteLogin(head, bytes, nameStart, nameEnd, names.wwwAuthenticate, valueStart, valueEnd);
      return 0;
    case 17:
      if (!equalsIgnoreCase(bytes, nameStart, nameEnd, names.transferEncoding)) return 0;
      if (isInformational(head)) {
        head.remove(index);
        return 0;
      }
      if (head.transferEncoding >= 0) return FAULT.DUPLICATE_TRANSFER_ENCODING;
      if (!equalsIgnoreCase(bytes, valueStart, valueEnd, words.chunked)) return FAULT.BAD_TRANSFER_ENCODING;
      if (hasTab(bytes, nameEnd, valueStart) || hasTab(bytes, valueEnd, head.lineEnd(index)))
        return FAULT.BAD_TRANSFER_ENCODING;
      head.transferEncoding = index;
      head.chunked = true;
      return 0;
    case 18:
      noteLogin(head, bytes, nameStart, nameEnd, names.proxyAuthenticate, valueStart, valueEnd);
      return 0;
    case 19:
      noteLogin(head, bytes, nameStart, nameEnd, names.proxyAuthorization, valueStart, valueEnd);
      return 0;
    case 23:
      // Any other spelling is the same header to servers that merge them, and nobody's but an attacker's.
      if (mergesWith(bytes, nameStart, nameEnd, names.clientCertificate)) {
        const isName = equalsIgnoreCase(bytes, nameStart, nameEnd, names.clientCertificate);
        if (isName && head.clientCertificate < 0) head.clientCertificate = index;
        else head.remove(index);
      }
      return 0;
    default:
      return 0;
  }
}

/** In requests and answers alike: in the one of the two that it is not meant for it does no harm. */
function noteLogin(
  head: Head,
  bytes: Buffer,
  nameStart: number,
  nameEnd: number,
  name: Buffer,
  valueStart: number,
  valueEnd: number,
): void {
  if (equalsIgnoreCase(bytes, nameStart, nameEnd, name) && namesConnectionLogin(bytes, valueStart, valueEnd))
    head.connectionLogin = true;
}

/**
 * RFC 9112 section 6.3: a 1xx answer ends at its empty line, whatever its headers say. What they say about a body is taken out,
 * because it must not be sent (RFC 9110 section 8.6, RFC 9112 section 6.1) and would be read by some.
 */
function isInformational({ status }: Head): boolean {
  return status >= 100 && status < 200;
}

const te = ascii('te');
const trailersWord = ascii('trailers');

/** Transfer codings are hop by hop and we offer none: of the whole list only `trailers` goes on, once. */
function noteTe(head: Head, index: number, valueStart: number, valueEnd: number): void {
  if (head.te >= 0) {
    head.remove(index);
    return;
  }
  if (equalsIgnoreCase(head.bytes, valueStart, valueEnd, words.trailers)) {
    head.te = index;
    return;
  }
  head.remove(index);
  noting = head;
  if (eachToken(head.bytes, valueStart, valueEnd, isNotTrailers)) return;
  head.te = index;
  head.add(te, trailersWord);
}

function isNotTrailers(start: number, end: number): boolean {
  return !equalsIgnoreCase(noting.bytes, start, end, words.trailers);
}

/** RFC 9112 allows tabs around values; around this one they have only ever served to hide it from one of two readers. */
function hasTab(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i] === 0x09) return true;
  return false;
}

/** Decimal digits only, at most 15 of them, so that the number is exact. -1 when it is anything else. */
function parseLength(bytes: Uint8Array, start: number, end: number): number {
  if (end === start || end - start > 15) return -1;
  let length = 0;
  for (let i = start; i < end; i++) {
    const digit = bytes[i]! - 0x30;
    if (digit < 0 || digit > 9) return -1;
    length = length * 10 + digit;
  }
  return length;
}

let noting: Head;
const CLOSE = 1;
const KEEP_ALIVE = 2;
const UPGRADE = 4;
/** Connection names something else as well. */
const NOMINATION = 8;
/** Upgrade names a protocol, and h2c is one of them. */
const PROTOCOL = 16;
const H2C = 32;
let seen = 0;

function noteConnectionToken(start: number, end: number): boolean {
  const bytes = noting.bytes;
  if (equalsIgnoreCase(bytes, start, end, words.close)) seen |= CLOSE;
  else if (equalsIgnoreCase(bytes, start, end, words.keepAlive)) seen |= KEEP_ALIVE;
  else if (equalsIgnoreCase(bytes, start, end, words.upgrade)) seen |= UPGRADE;
  else seen |= NOMINATION;
  return true;
}

function noteConnection(head: Head, index: number, valueStart: number, valueEnd: number): void {
  noting = head;
  eachToken(head.bytes, valueStart, valueEnd, noteConnectionToken);
  // `connection` is the first one; later ones count as well (RFC 9110 section 5.3: lists may be split over lines).
  if (head.connection < 0) head.connection = index;
  head.remove(index);
}

function noteUpgrade(head: Head, index: number, valueStart: number, valueEnd: number): void {
  noting = head;
  eachToken(head.bytes, valueStart, valueEnd, noteUpgradeToken);
  // The first one; settleUpgrade looks for more.
  if (head.upgrade < 0) head.upgrade = index;
}

function noteUpgradeToken(start: number, end: number): boolean {
  seen |= equalsIgnoreCase(noting.bytes, start, end, words.h2c) ? PROTOCOL | H2C : PROTOCOL;
  return true;
}

/** The misunderstanding of old clients: never passed on, and only what is safe is followed. */
function noteProxyConnection(head: Head, index: number): void {
  noting = head;
  eachToken(head.bytes, head.valueStart(index), head.valueEnd(index), noteProxyConnectionToken);
  head.remove(index);
}

function noteProxyConnectionToken(start: number, end: number): boolean {
  if (equalsIgnoreCase(noting.bytes, start, end, words.close)) seen |= CLOSE;
  return true;
}

function noteKeepAlive(head: Head, index: number, valueStart: number, valueEnd: number): void {
  head.remove(index);
  noting = head;
  eachToken(head.bytes, valueStart, valueEnd, noteKeepAliveParameter);
}

function noteKeepAliveParameter(start: number, end: number): boolean {
  const equals = start + words.timeout.length;
  if (end <= equals || !equalsIgnoreCase(noting.bytes, start, equals, words.timeout)) return true;
  const seconds = parseLength(noting.bytes, equals, end);
  if (seconds > 0) noting.keepAliveTimeoutMs = Math.min(seconds, 86_400) * 1000;
  return false;
}

/** Turns what was noted about the connection into the head's fields. */
function settleConnection(head: Head): void {
  const flags = seen;
  seen = 0;
  head.keepAlive = head.minor === 1 ? (flags & CLOSE) === 0 : (flags & (KEEP_ALIVE | CLOSE)) === KEEP_ALIVE;
  if (head.upgrade >= 0) settleUpgrade(head, flags);
  if (head.connection >= 0) removeNominated(head, (flags & NOMINATION) !== 0);
}

function settleUpgrade(head: Head, flags: number): void {
  // An upgrade to h2c would carry requests past every policy; the request is answered as the HTTP/1.1 request that it also is.
  const toH2c = (flags & H2C) !== 0;
  const isUpgrade = (flags & UPGRADE) !== 0 && (flags & PROTOCOL) !== 0;
  if (isUpgrade && head.minor === 1 && !toH2c) {
    head.isUpgrade = true;
    return;
  }
  removeAll(head, names.upgrade);
  if (toH2c) removeAll(head, names.http2Settings);
}

function removeAll(head: Head, name: Uint8Array): void {
  for (let index = head.find(name); index >= 0; index = head.find(name, index + 1)) head.remove(index);
}

/** Takes out the headers that Connection names (RFC 9110 section 7.6.1). */
function removeNominated(head: Head, more: boolean): void {
  // The next hop must not follow nominations that were followed here.
  if (head.isUpgrade && more) head.add(connection, upgradeWord);

  for (let index = head.connection; index < head.count; index++) {
    if (!equalsIgnoreCase(head.bytes, head.nameStart(index), head.nameEnd(index), names.connection)) continue;
    if (head.isUpgrade && !more) head.restore(index);
    noting = head;
    eachToken(head.bytes, head.valueStart(index), head.valueEnd(index), removeOneNominated);
  }
}

function removeOneNominated(start: number, end: number): boolean {
  const head = noting;
  const bytes = head.bytes;
  if (
    equalsIgnoreCase(bytes, start, end, words.close) ||
    equalsIgnoreCase(bytes, start, end, words.keepAlive)
  )
    return true;
  for (let n = 0; n < protectedNames.length; n++) {
    if (equalsIgnoreCase(bytes, start, end, protectedNames[n]!)) return true;
  }
  for (let index = 0; index < head.count; index++) {
    if (sameName(head, index, start, end)) head.remove(index);
  }
  return true;
}

function sameName(head: Head, index: number, start: number, end: number): boolean {
  const nameStart = head.nameStart(index);
  if (head.nameEnd(index) - nameStart !== end - start) return false;
  for (let i = 0; i < end - start; i++) {
    if (lower(head.bytes[nameStart + i]!) !== lower(head.bytes[start + i]!)) return false;
  }
  return true;
}

function lower(code: number): number {
  return code >= 0x41 && code <= 0x5a ? code | 0x20 : code;
}

/** Forgets flags of a head that was given up half way. Called by parsers before each head. */
export function beginNotes(): void {
  seen = 0;
}

/** The rules that need the whole request head. Returns a negative FAULT or 0. */
export function checkRequestFraming(head: Head): number {
  settleConnection(head);
  if (head.chunked) {
    if (head.contentLength >= 0) return FAULT.LENGTH_AND_ENCODING;
    // RFC 9112 section 6.1: Transfer-Encoding in an HTTP/1.0 message is to be treated as faulty framing.
    if (head.minor === 0) return FAULT.BAD_TRANSFER_ENCODING;
    head.bodyLength = UNKNOWN_LENGTH;
  }
  if (head.method === METHOD.CONNECT && head.bodyLength !== 0) return FAULT.CONNECT_WITH_BODY;
  if (head.host < 0) return head.minor === 1 ? FAULT.NO_HOST : 0;
  return isAuthority(head.bytes, head.valueStart(head.host), head.valueEnd(head.host)) ? 0 : FAULT.BAD_HOST;
}

/** The rules that need the whole response head (RFC 9112 section 6.3). Returns a negative FAULT or 0. */
export function checkResponseFraming(head: Head, toHead: boolean): number {
  settleConnection(head);
  if (head.chunked && head.contentLength >= 0) return FAULT.LENGTH_AND_ENCODING;
  if (head.chunked && head.minor === 0) return FAULT.BAD_TRANSFER_ENCODING;
  if (isBodiless(head.status, toHead)) {
    if (head.status === 204) removeFraming(head);
    head.chunked = false;
    head.bodyLength = 0;
  } else if (head.chunked) {
    head.bodyLength = UNKNOWN_LENGTH;
  } else if (head.contentLength < 0) {
    head.bodyLength = UNKNOWN_LENGTH;
    head.untilClose = true;
    head.keepAlive = false;
  }
  return 0;
}

/** RFC 9110 section 8.6: no 204 has a body, so what announces one is not passed on. */
function removeFraming(head: Head): void {
  if (head.bodyLength > 0) head.remove(head.contentLength);
  if (head.transferEncoding >= 0) head.remove(head.transferEncoding);
}

/** The method whose 2xx answers have no body but a tunnel. */
export function isTunnel(method: number, status: number): boolean {
  return status === 101 || (method === METHOD.CONNECT && status >= 200 && status < 300);
}
