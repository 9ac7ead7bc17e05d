// Reads request and response heads (RFC 9112 sections 2 to 5) in one pass over the bytes, strictly: what could be read in two
// ways is refused. Knows nothing of connections; the same bytes always give the same result.
import { FIELD, type Head, METHOD, methodOf, TARGET, TOKEN } from '../http/index.ts';
import { FAULT, INCOMPLETE } from './faults.ts';
import { beginNotes, checkRequestFraming, checkResponseFraming, note } from './framing.ts';
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
  let i = start;
  while (i < end && TOKEN[bytes[i]!] === 1) i++;
  if (i - start > maxMethodBytes) return FAULT.METHOD_TOO_LONG;
  if (i === end) return INCOMPLETE;
  if (bytes[i] !== SP || i === start) return FAULT.BAD_METHOD;
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
    // A fragment, which is the client's own business (RFC 9110 section 4.2.5), ends here: some servers cut it off, some take it for a path.
    while (i < end && (TARGET[bytes[i]!] === 1 || bytes[i] === HASH)) i++;
    if (i - targetStart > limits.maxTargetBytes) return FAULT.TARGET_TOO_LONG;
    if (i === end) return INCOMPLETE;
  }
  if (bytes[i] !== SP || i === targetStart) return targetFault(bytes[i]!);
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
  return fault < 0 ? fault : after;
}

/** "HTTP/1.0" or "HTTP/1.1"; the offset after it. */
function parseVersion(head: Head, bytes: Buffer, start: number, end: number): number {
  for (let n = 0; n < version.length; n++) {
    if (start + n >= end) return INCOMPLETE;
    if (bytes[start + n] !== version[n]) return FAULT.BAD_VERSION;
  }
  const at = start + version.length;
  if (at >= end) return INCOMPLETE;
  const minor = bytes[at]! - 0x30;
  if (minor !== 0 && minor !== 1) return FAULT.BAD_VERSION;
  head.minor = minor;
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
  if (bytes[i] !== COLON || i === start) return nameFault(bytes[i]!, i === start);
  const nameEnd = i++;
  while (i < end && (bytes[i] === SP || bytes[i] === HTAB)) i++;
  const valueStart = i;
  while (i < end && FIELD[bytes[i]!] === 1) i++;
  if (i + 1 >= end) {
    if (i > limit) return FAULT.HEAD_TOO_LARGE;
    return i < end && bytes[i] !== CR ? valueFault(bytes[i]!) : INCOMPLETE;
  }
  if (bytes[i] !== CR) return valueFault(bytes[i]!);
  if (bytes[i + 1] !== LF) return FAULT.BARE_CR;
  let valueEnd = i;
  while (valueEnd > valueStart && (bytes[valueEnd - 1] === SP || bytes[valueEnd - 1] === HTAB)) valueEnd--;
  const index = head.push(start, nameEnd, valueStart, valueEnd, i + 2);
  const fault = note(head, index, bytes, start, nameEnd, valueStart, valueEnd);
  return fault < 0 ? fault : i + 2;
}

function nameFault(code: number, atStart: boolean): number {
  if (code === LF) return FAULT.BARE_LF;
  if (code === SP || code === HTAB) return atStart ? FAULT.OBS_FOLD : FAULT.SPACE_BEFORE_COLON;
  return FAULT.BAD_HEADER_NAME;
}

function valueFault(code: number): number {
  return code === LF ? FAULT.BARE_LF : FAULT.BAD_HEADER_VALUE;
}

/** Why a target ends where it does. A line that ends after it is HTTP/0.9. */
function targetFault(code: number): number {
  if (code === LF) return FAULT.BARE_LF;
  return code === CR ? FAULT.BAD_VERSION : FAULT.BAD_TARGET;
}

function lineFault(code: number): number {
  if (code === LF) return FAULT.BARE_LF;
  return code === CR ? FAULT.BARE_CR : FAULT.BAD_VERSION;
}
