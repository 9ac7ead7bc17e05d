// Reads request and response heads (RFC 9112 sections 2 to 5) in one pass over the bytes, strictly: what could be read in two
// ways is refused. Knows nothing of connections; the same bytes always give the same result.
import { FIELD, type Head, METHOD, methodOf, TARGET, TOKEN } from '../http/index.ts';
import { beginNotes } from './connection-options.ts';
import { FAULT, faultAt, forgetPlace, INCOMPLETE } from './faults.ts';
import { checkRequestFraming, checkResponseFraming, note } from './framing.ts';
import type { Limits } from './limits.ts';
import { checkTargetForm } from './target.ts';

const SP = 0x20;
const HTAB = 0x09;
const CR = 0x0d;
const LF = 0x0a;
const COLON = 0x3a;
const SLASH = 0x2f;
const HASH = 0x23;
const maxMethodBytes = 64;
/** "HTTP/1." */
const version = Buffer.from('HTTP/1.', 'latin1');

/**
 * Parses the request head at `bytes[start, end)` into `head`. Returns the offset after it, INCOMPLETE (0) when more bytes are
 * needed, or a negative FAULT. Offsets in the head point into `bytes`.
 */
export function parseRequestHead(
  head: Head,
  bytes: Buffer,
  start: number,
  end: number,
  limits: Limits,
): number {
  head.reset(bytes, start);
  beginNotes();
  forgetPlace();
  let i = start;
  while (i < end && TOKEN[bytes[i]!] === 1) i++;
  if (i - start > maxMethodBytes) return FAULT.METHOD_TOO_LONG;
  if (i === end) return INCOMPLETE;
  if (bytes[i] !== SP || i === start) return faultAt(FAULT.BAD_METHOD, bytes[i]!, i - start, 0);
  head.methodStart = start;
  head.methodEnd = i;
  head.method = methodOf(bytes, start, i);
  const targetStart = ++i;
  while (i < end && TARGET[bytes[i]!] === 1) i++;
  if (i - targetStart > limits.maxTargetBytes) return FAULT.TARGET_TOO_LONG;
  if (i === end) return INCOMPLETE;
  head.targetStart = targetStart;
  head.targetEnd = i;
  if (bytes[i] === HASH && bytes[targetStart] === SLASH) {
    // A fragment, which is the client's own business (RFC 9110 section 4.2.5), ends here: some servers cut it off, some take it
    // for a path.
    while (i < end && (TARGET[bytes[i]!] === 1 || bytes[i] === HASH)) i++;
    if (i - targetStart > limits.maxTargetBytes) return FAULT.TARGET_TOO_LONG;
    if (i === end) return INCOMPLETE;
  }
  if (bytes[i] !== SP || i === targetStart) return targetFault(bytes[i]!, i - start);
  i = parseVersion(head, bytes, i + 1, end);
  if (i <= 0) return i;
  if (i + 1 >= end) return i < end && bytes[i] !== CR ? lineFault(bytes[i]!) : INCOMPLETE;
  if (bytes[i] !== CR) return lineFault(bytes[i]!);
  if (bytes[i + 1] !== LF) return FAULT.BARE_CR;
  const after = parseHeaders(head, bytes, i + 2, end, limits);
  if (after <= 0) return after;
  const fault = checkRequestFraming(head);
  if (fault < 0) return fault;
  if (bytes[targetStart] === SLASH && head.method !== METHOD.CONNECT) return after;
  const formFault = checkTargetForm(head);
  return formFault < 0 ? formFault : after;
}

/** Parses a response head; `toHead` when it answers a HEAD request. Otherwise as parseRequestHead. */
export function parseResponseHead(
  head: Head,
  bytes: Buffer,
  start: number,
  end: number,
  limits: Limits,
  toHead: boolean,
): number {
  head.reset(bytes, start);
  beginNotes();
  forgetPlace();
  hasGaps = false;
  let i = parseVersion(head, bytes, start, end);
  if (i <= 0) return i;
  if (end - i < 4) return INCOMPLETE;
  if (bytes[i] !== SP) return FAULT.BAD_STATUS;
  let status = 0;
  for (let digit = 1; digit <= 3; digit++) {
    const code = bytes[i + digit]! - 0x30;
    if (code < 0 || code > 9) return FAULT.BAD_STATUS;
    status = status * 10 + code;
  }
  if (status < 100) return FAULT.BAD_STATUS;
  head.status = status;
  i += 4;
  if (i === end) return INCOMPLETE;
  if (bytes[i] === SP) i++;
  else if (bytes[i] !== CR) return bytes[i] === LF ? FAULT.BARE_LF : FAULT.BAD_STATUS;
  head.reasonStart = i;
  while (i < end && FIELD[bytes[i]!] === 1) i++;
  head.reasonEnd = i;
  if (i + 1 >= end) {
    if (i - start > limits.maxHeaderBytes) return FAULT.HEAD_TOO_LARGE;
    return i < end && bytes[i] !== CR ? lineFault(bytes[i]!) : INCOMPLETE;
  }
  if (bytes[i] !== CR) return lineFault(bytes[i]!);
  if (bytes[i + 1] !== LF) return FAULT.BARE_CR;
  const after = parseHeaders(head, bytes, i + 2, end, limits);
  if (after <= 0) return after;
  const fault = checkResponseFraming(head, toHead);
  if (fault < 0) return fault;
  if (hasGaps) closeGaps(head);
  return after;
}

/** Whether names of the head under way are followed by blanks that are to be taken out. */
let hasGaps = false;

/**
 * Takes out the blanks between names and colons: only now, because a head that is not complete is read once more from its first
 * byte.
 */
function closeGaps(head: Head): void {
  for (let index = 0; index < head.count; index++) {
    const nameEnd = head.nameEnd(index);
    let colon = nameEnd;
    while (head.bytes[colon] !== COLON) colon++;
    if (colon > nameEnd) head.closeGap(index, colon - nameEnd);
  }
}

/** "HTTP/1." and a digit; the offset after it. */
function parseVersion(head: Head, bytes: Buffer, start: number, end: number): number {
  for (let n = 0; n < version.length; n++) {
    if (start + n >= end) return INCOMPLETE;
    if (bytes[start + n] !== version[n]) return FAULT.BAD_VERSION;
  }
  const at = start + version.length;
  if (at >= end) return INCOMPLETE;
  const minor = bytes[at]! - 0x30;
  if (minor < 0 || minor > 9) return FAULT.BAD_VERSION;
  // RFC 9110 section 2.5: a higher minor version is processed as the highest that one knows. What goes on says HTTP/1.1.
  head.minor = minor === 0 ? 0 : 1;
  return at + 1;
}

/** Header lines until the empty line; the offset after that. */
function parseHeaders(head: Head, bytes: Buffer, start: number, end: number, limits: Limits): number {
  head.headersStart = start;
  const limit = start + limits.maxHeaderBytes;
  let i = start;
  for (;;) {
    if (i > limit) return FAULT.HEAD_TOO_LARGE;
    if (i >= end) return INCOMPLETE;
    if (bytes[i] === CR) {
      if (i + 1 >= end) return INCOMPLETE;
      if (bytes[i + 1] !== LF) return FAULT.BARE_CR;
      head.end = i + 2;
      return i + 2;
    }
    if (head.count >= limits.maxHeaders) return FAULT.TOO_MANY_HEADERS;
    i = parseHeader(head, bytes, i, end, limit);
    if (i <= 0) return i;
  }
}

function parseHeader(head: Head, bytes: Buffer, start: number, end: number, limit: number): number {
  let i = start;
  while (i < end && TOKEN[bytes[i]!] === 1) i++;
  if (i === end) return i > limit ? FAULT.HEAD_TOO_LARGE : INCOMPLETE;
  const nameEnd = i;
  if (bytes[i] !== COLON || i === start) {
    i = colonAfterBlanks(head, bytes, start, i, end);
    if (i === INCOMPLETE) return end > limit ? FAULT.HEAD_TOO_LARGE : INCOMPLETE;
    if (i < 0) return i;
  }
  i++;
  while (i < end && (bytes[i] === SP || bytes[i] === HTAB)) i++;
  const valueStart = i;
  while (i < end && FIELD[bytes[i]!] === 1) i++;
  if (i + 1 >= end) {
    if (i > limit) return FAULT.HEAD_TOO_LARGE;
    return i < end && bytes[i] !== CR ? valueFault(head, bytes[i]!, i - start) : INCOMPLETE;
  }
  if (bytes[i] !== CR) return valueFault(head, bytes[i]!, i - start);
  if (bytes[i + 1] !== LF) return FAULT.BARE_CR;
  let valueEnd = i;
  while (valueEnd > valueStart && (bytes[valueEnd - 1] === SP || bytes[valueEnd - 1] === HTAB)) valueEnd--;
  const index = head.push(start, nameEnd, valueStart, valueEnd, i + 2);
  const fault = note(head, index, bytes, start, nameEnd, valueStart, valueEnd);
  return fault < 0 ? fault : i + 2;
}

/**
 * After a name that is not followed by its colon. In an answer blanks may come before it, which are taken out before it goes on
 * (RFC 9112 section 5.1); in a request they are refused. The offset of the colon, INCOMPLETE or a FAULT.
 */
function colonAfterBlanks(head: Head, bytes: Buffer, start: number, nameEnd: number, end: number): number {
  const code = bytes[nameEnd]!;
  const line = head.count + 1;
  if (code === LF) return FAULT.BARE_LF;
  const isBlank = code === SP || code === HTAB;
  if (nameEnd === start) return isBlank ? FAULT.OBS_FOLD : faultAt(FAULT.BAD_HEADER_NAME, code, 0, line);
  if (code === CR) return faultAt(FAULT.NO_COLON, code, nameEnd - start, line);
  if (!isBlank) return faultAt(FAULT.BAD_HEADER_NAME, code, nameEnd - start, line);
  let i = nameEnd;
  while (i < end && (bytes[i] === SP || bytes[i] === HTAB)) i++;
  if (i === end) return INCOMPLETE;
  if (bytes[i] !== COLON) return faultAt(FAULT.SPACE_IN_NAME, code, nameEnd - start, line);
  if (head.status === 0) return faultAt(FAULT.SPACE_BEFORE_COLON, code, nameEnd - start, line);
  hasGaps = true;
  return i;
}

function valueFault(head: Head, code: number, offset: number): number {
  return code === LF ? FAULT.BARE_LF : faultAt(FAULT.BAD_HEADER_VALUE, code, offset, head.count + 1);
}

/** Why a target ends where it does. A line that ends after it is HTTP/0.9. */
function targetFault(code: number, offset: number): number {
  if (code === LF) return FAULT.BARE_LF;
  return code === CR ? FAULT.BAD_VERSION : faultAt(FAULT.BAD_TARGET, code, offset, 0);
}

function lineFault(code: number): number {
  if (code === LF) return FAULT.BARE_LF;
  return code === CR ? FAULT.BARE_CR : FAULT.BAD_VERSION;
}
