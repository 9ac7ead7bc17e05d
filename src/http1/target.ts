// The forms of a request target (RFC 9112 section 3.2) beside the usual path, and the authority that Host and they hold.
import {
  areDigits,
  defaultPortOf,
  type Head,
  hostEnd,
  isAuthority,
  METHOD,
  sameAuthority,
} from '../http/index.ts';
import { FAULT } from './faults.ts';

const COLON = 0x3a;
const SLASH = 0x2f;
const QUESTION = 0x3f;
const ASTERISK = 0x2a;

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

function isLetter(code: number): boolean {
  return (code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a;
}
