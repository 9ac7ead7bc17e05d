// The forms of a request target (RFC 9112 section 3.2) beside the usual path, and the authority that Host and they hold.
import { AUTHORITY, equalsIgnoreCase, type Head, METHOD } from '../http/index.ts';
import { FAULT } from './faults.ts';

const COLON = 0x3a;
const SLASH = 0x2f;
const QUESTION = 0x3f;
const ASTERISK = 0x2a;
const BRACKET_OPEN = 0x5b;
const BRACKET_CLOSE = 0x5d;

/** Whether `bytes[start, end)` is a host with an optional port, without user information; empty is one. */
export function isAuthority(bytes: Uint8Array, start: number, end: number): boolean {
  const colon = hostEnd(bytes, start, end);
  if (colon === end) return true;
  return colon > start && bytes[colon] === COLON && areDigits(bytes, colon + 1, end);
}

/** The offset after the host that begins at `start`: at `end`, a colon or what does not belong there; -1 when it is malformed. */
function hostEnd(bytes: Uint8Array, start: number, end: number): number {
  let i = start;
  if (bytes[start] === BRACKET_OPEN && start < end) {
    while (++i < end && bytes[i] !== BRACKET_CLOSE) {
      if (bytes[i] === BRACKET_OPEN || AUTHORITY[bytes[i]!] === 0) return -1;
    }
    return i < end ? i + 1 : -1;
  }
  while (i < end && AUTHORITY[bytes[i]!] === 1) {
    const code = bytes[i]!;
    if (code === COLON || code === BRACKET_OPEN || code === BRACKET_CLOSE) break;
    i++;
  }
  return i;
}

function areDigits(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    if (bytes[i]! < 0x30 || bytes[i]! > 0x39) return false;
  }
  return true;
}

/**
 * Checks a target that is not a plain path: host:port for CONNECT, `*` for OPTIONS, or a URL whose host is the one in Host, so
 * that routing by one and serving by the other cannot differ. Returns a negative FAULT or 0.
 */
export function checkTargetForm(head: Head): number {
  const { bytes, targetStart, targetEnd } = head;
  if (head.method === METHOD.CONNECT) {
    const colon = hostEnd(bytes, targetStart, targetEnd);
    const isHostAndPort = colon > targetStart && colon + 1 < targetEnd && bytes[colon] === COLON;
    return isHostAndPort && areDigits(bytes, colon + 1, targetEnd) ? 0 : FAULT.BAD_TARGET;
  }
  if (bytes[targetStart] === ASTERISK)
    return head.method === METHOD.OPTIONS && targetEnd === targetStart + 1 ? 0 : FAULT.BAD_TARGET;
  let i = targetStart;
  while (i < targetEnd && isLetter(bytes[i]!)) i++;
  if (i === targetStart || i + 3 >= targetEnd) return FAULT.BAD_TARGET;
  if (bytes[i] !== COLON || bytes[i + 1] !== SLASH || bytes[i + 2] !== SLASH) return FAULT.BAD_TARGET;
  const start = i + 3;
  let end = start;
  while (end < targetEnd && bytes[end] !== SLASH && bytes[end] !== QUESTION) end++;
  if (end === start || !isAuthority(bytes, start, end)) return FAULT.BAD_TARGET;
  if (head.host < 0) return 0;
  const port = defaultPortOf(bytes, targetStart, i);
  return sameAuthority(bytes, start, end, head.valueStart(head.host), head.valueEnd(head.host), port)
    ? 0
    : FAULT.HOST_MISMATCH;
}

/** The port that goes without saying (RFC 9110 section 4.2.3); '' for schemes that are neither http nor https. */
function defaultPortOf(bytes: Buffer, start: number, end: number): string {
  const scheme = bytes.toString('latin1', start, end).toLowerCase();
  return scheme === 'http' ? '80' : scheme === 'https' ? '443' : '';
}

/** Whether two authorities are one: the same host, and the same port or on one side none where it is the default one. */
function sameAuthority(
  bytes: Buffer,
  start: number,
  end: number,
  otherStart: number,
  otherEnd: number,
  port: string,
): boolean {
  if (sameText(bytes, start, end, otherStart, otherEnd)) return true;
  const colon = hostEnd(bytes, start, end);
  const otherColon = hostEnd(bytes, otherStart, otherEnd);
  if (port === '' || otherColon <= otherStart || !sameText(bytes, start, colon, otherStart, otherColon))
    return false;
  return portOf(bytes, colon, end, port) === portOf(bytes, otherColon, otherEnd, port);
}

/** The port behind the colon; `otherwise` where there is none. */
function portOf(bytes: Buffer, colon: number, end: number, otherwise: string): string {
  return colon + 1 >= end ? otherwise : bytes.toString('latin1', colon + 1, end);
}

function isLetter(code: number): boolean {
  return (code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a;
}

/** Whether two ranges hold the same text, letters in any case. */
function sameText(bytes: Buffer, start: number, end: number, otherStart: number, otherEnd: number): boolean {
  if (end - start !== otherEnd - otherStart) return false;
  return equalsIgnoreCase(bytes, start, end, lowered(bytes.subarray(otherStart, otherEnd)));
}

function lowered(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString('latin1').toLowerCase(), 'latin1');
}
