// What a message's headers say about its body: RFC 9112 sections 6 and 7.1, with one rule where the RFC allows several.
// Content-Length once or Transfer-Encoding: chunked, never both, never twice.
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
import {
  noteConnection,
  noteKeepAlive,
  noteProxyConnection,
  noteUpgrade,
  settleConnection,
} from './connection-options.ts';
import { FAULT } from './faults.ts';
import { parseLength } from './length.ts';

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
  clientCertificate: ascii('x-forwarded-client-cert'),
  authorization: ascii('authorization'),
  persistentAuth: ascii('persistent-auth'),
  wwwAuthenticate: ascii('www-authenticate'),
  proxyAuthenticate: ascii('proxy-authenticate'),
  proxyAuthorization: ascii('proxy-authorization'),
};
const words = {
  chunked: ascii('chunked'),
  trailers: ascii('trailers'),
  continue: ascii('100-continue'),
};

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

let noting: Head;
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
