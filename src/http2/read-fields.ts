// What fields of requests, answers and trailers have in common: which are refused, which are noted, which do not go on.

import {
  type FieldList,
  idOf,
  isSecret,
  NAME,
  NEVER_INDEXED,
  NOT,
  nameFlags,
  nameId,
  valueFlags,
} from '../hpack/index.ts';
import {
  equalsIgnoreCase,
  type Fields,
  type Head,
  isForbiddenTrailer,
  mergesWith,
  namesConnectionLogin,
} from '../http/index.ts';
import { FAULT } from './faults.ts';

const COLON = 0x3a;
const trailersWord = Buffer.from('trailers', 'latin1');
const continueWord = Buffer.from('100-continue', 'latin1');
const clientCertificate = Buffer.from('x-forwarded-client-cert', 'latin1');
const COOKIE = Buffer.from('cookie: ', 'latin1');

/** What a head notes of a name, in place of NAME.OTHER, which would be nothing. */
const noName = 255;
function notedOf(id: number): number {
  return id === NAME.OTHER ? noName : id;
}

/** NAME of a field whose head came in either version. */
export function nameOf(fields: Fields, index: number): number {
  const noted = fields.nameId(index);
  if (noted === 0) return nameId(fields.bytes, fields.nameStart(index), fields.nameEnd(index));
  return noted === noName ? NAME.OTHER : noted;
}

/** Where field `index` ends, CRLF included. */
function lineEnd(list: FieldList, index: number): number {
  return index + 1 < list.count ? list.nameStart(index + 1) : list.used;
}

/** What is wrong with a field whatever it is called. */
function checkField(list: FieldList, index: number, info: number): number {
  const ofName = nameFlags(info);
  if ((ofName & (NOT.TOKEN | NOT.LOWERCASE)) !== 0) {
    if (list.bytes[list.nameStart(index)] === COLON) return FAULT.LATE_PSEUDO;
    return (ofName & NOT.TOKEN) === 0 ? FAULT.UPPERCASE_NAME : FAULT.BAD_HEADER_NAME;
  }
  if (list.nameEnd(index) === list.nameStart(index)) return FAULT.BAD_HEADER_NAME;
  return (valueFlags(info) & NOT.FIELD) === 0 ? FAULT.NONE : FAULT.BAD_HEADER_VALUE;
}

/** Moves the fields from `first` on into `head`, and notes those that matter. A FAULT. */
export function pushFields(list: FieldList, head: Head, first: number): number {
  let crumbs = 0;
  let cookie = -1;
  for (let i = first; i < list.count; i++) {
    const info = list.info(i);
    const fault = checkField(list, i, info);
    if (fault !== FAULT.NONE) return fault;
    const start = list.nameStart(i);
    const from = list.valueStart(i);
    const to = list.valueEnd(i);
    const id = idOf(info);
    const index = head.push(start, list.nameEnd(i), from, to, lineEnd(list, i), notedOf(id));
    if ((info & NEVER_INDEXED) !== 0 && !isSecret(id, to - from)) head.hasSecrets = true;
    if (id === NAME.OTHER) {
      if (list.nameEnd(i) - start === clientCertificate.length) dropLookalike(head, index);
      continue;
    }
    if (id === NAME.COOKIE) {
      crumbs++;
      if (cookie < 0) cookie = index;
      continue;
    }
    const noted = note(head, index, id, from, to, info);
    if (noted !== FAULT.NONE) return noted;
  }
  if (crumbs > 1) joinCookies(list, head, cookie);
  return FAULT.NONE;
}

/** Any other spelling is the same header to servers that merge them, and nobody's but an attacker's. */
function dropLookalike(head: Head, index: number): void {
  if (mergesWith(head.bytes, head.nameStart(index), head.nameEnd(index), clientCertificate))
    head.remove(index);
}

function note(head: Head, index: number, id: number, from: number, to: number, info: number): number {
  const { bytes } = head;
  switch (id) {
    case NAME.CONNECTION:
    case NAME.KEEP_ALIVE:
    case NAME.PROXY_CONNECTION:
    case NAME.UPGRADE:
    case NAME.TRANSFER_ENCODING:
      return FAULT.CONNECTION_HEADER;
    case NAME.TE:
      if (!equalsIgnoreCase(bytes, from, to, trailersWord)) return FAULT.BAD_TE;
      if (head.te < 0) head.te = index;
      else head.remove(index);
      return FAULT.NONE;
    case NAME.HTTP2_SETTINGS:
      head.remove(index);
      return FAULT.NONE;
    case NAME.HOST:
      if (head.status > 0) return FAULT.NONE;
      if (head.host < 0) head.host = index;
      return FAULT.NONE;
    case NAME.CONTENT_LENGTH:
      return noteLength(head, index, from, to, info);
    case NAME.EXPECT:
      head.expect = index;
      head.expectContinue = equalsIgnoreCase(bytes, from, to, continueWord);
      return FAULT.NONE;
    case NAME.REQUEST_ID:
      head.requestId = index;
      return FAULT.NONE;
    case NAME.FORWARDED_FOR:
      if (head.forwardedFor < 0) head.forwardedFor = index;
      return FAULT.NONE;
    case NAME.CLIENT_CERTIFICATE:
      if (head.clientCertificate < 0) head.clientCertificate = index;
      else head.remove(index);
      return FAULT.NONE;
    case NAME.GRPC_STATUS:
      head.grpcStatus = index;
      return FAULT.NONE;
    case NAME.TRANSLATED:
      // Between proxies; whoever else says it has chosen HTTP/1 for its own request.
      head.translated = head.status === 0;
      head.remove(index);
      return FAULT.NONE;
    case NAME.PERSISTENT_AUTH:
      head.connectionLogin = true;
      return FAULT.NONE;
    case NAME.AUTHORIZATION:
    case NAME.PROXY_AUTHORIZATION:
    case NAME.WWW_AUTHENTICATE:
    case NAME.PROXY_AUTHENTICATE:
      if (namesConnectionLogin(bytes, from, to)) head.connectionLogin = true;
      return FAULT.NONE;
    default:
      return FAULT.NONE;
  }
}

/** Once, in decimal digits, at most 15 of them, so that the number is exact. */
function noteLength(head: Head, index: number, from: number, to: number, info: number): number {
  if (head.status >= 100 && head.status < 200) {
    head.remove(index);
    return FAULT.NONE;
  }
  if (head.contentLength >= 0) return FAULT.DUPLICATE_CONTENT_LENGTH;
  if (to === from || to - from > 15 || (valueFlags(info) & NOT.DIGITS) !== 0) return FAULT.BAD_CONTENT_LENGTH;
  head.contentLength = index;
  let length = 0;
  for (let i = from; i < to; i++) length = length * 10 + head.bytes[i]! - 0x30;
  head.bodyLength = length;
  return FAULT.NONE;
}

/** RFC 9113 section 8.2.3, for crumbs that other fields stood between. */
function joinCookies(list: FieldList, head: Head, first: number): void {
  const name = COOKIE.subarray(0, 6);
  let total = COOKIE.length + 2;
  for (let i = head.find(name, first); i >= 0; i = head.find(name, i + 1))
    total += head.valueEnd(i) - head.valueStart(i) + 2;
  const start = list.used;
  list.ensure(start, total);
  const { bytes } = list;
  head.bytes = bytes;
  let at = start + COOKIE.copy(bytes, start);
  for (let i = head.find(name, first); i >= 0; i = head.find(name, i + 1)) {
    if (at > start + COOKIE.length) at += bytes.write('; ', at, 'latin1');
    at += bytes.copy(bytes, at, head.valueStart(i), head.valueEnd(i));
    head.remove(i);
  }
  bytes[at] = 0x0d;
  bytes[at + 1] = 0x0a;
  list.used = at + 2;
  head.push(start, start + 6, start + COOKIE.length, at, at + 2, NAME.COOKIE);
}

/**
 * Moves a list into trailers. Those that must not change what was acted on are taken out, and counted in `droppedTrailers`; the
 * rest is as strict as a head. A FAULT.
 */
export function readTrailers(list: FieldList, into: Fields): number {
  into.reset(list.bytes, 0);
  into.headersStart = list.count > 0 ? list.nameStart(0) : list.used;
  droppedTrailers.count = 0;
  for (let i = 0; i < list.count; i++) {
    const fault = checkField(list, i, list.info(i));
    if (fault !== FAULT.NONE) return fault === FAULT.LATE_PSEUDO ? FAULT.PSEUDO_IN_TRAILERS : fault;
    const start = list.nameStart(i);
    const end = list.nameEnd(i);
    const noted = notedOf(idOf(list.info(i)));
    const index = into.push(start, end, list.valueStart(i), list.valueEnd(i), lineEnd(list, i), noted);
    if (!isForbiddenTrailer(list.bytes, start, end)) continue;
    into.remove(index);
    droppedTrailers.count++;
  }
  list.ensure(list.used, 2);
  list.bytes[list.used] = 0x0d;
  list.bytes[list.used + 1] = 0x0a;
  into.bytes = list.bytes;
  into.end = list.used + 2;
  return FAULT.NONE;
}

/** How many of the trailers that were read last did not go on. */
export const droppedTrailers = { count: 0 };
