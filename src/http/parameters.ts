// Values inside a query and inside Cookie headers, found as byte ranges; nothing is decoded.
import type { Head } from './head.ts';

/** A range that a search fills in. One object serves any number of searches, one after the other. */
export interface ByteRange {
  start: number;
  end: number;
}

const AMPERSAND = 0x26;
const EQUALS = 0x3d;
const SEMICOLON = 0x3b;
const QUOTE = 0x22;
const SP = 0x20;
const HTAB = 0x09;
const cookieName = Buffer.from('cookie', 'latin1');

/**
 * The value of the first parameter `name` of the query `bytes[start, end)`, without its question mark. Names and values are
 * compared and given as they were sent, percent signs and all, as Envoy does.
 */
export function queryValue(
  bytes: Uint8Array,
  start: number,
  end: number,
  name: Uint8Array,
  into: ByteRange,
): boolean {
  let at = start;
  while (at < end) {
    let stop = at;
    while (stop < end && bytes[stop] !== AMPERSAND) stop++;
    let equals = at;
    while (equals < stop && bytes[equals] !== EQUALS) equals++;
    if (isSame(bytes, at, equals, name)) {
      into.start = equals < stop ? equals + 1 : stop;
      into.end = stop;
      return true;
    }
    at = stop + 1;
  }
  return false;
}

/** The value of the first cookie `name` in the Cookie headers of a request (RFC 6265 section 5.4), without quotes around it. */
export function cookieValue(head: Head, name: Uint8Array, into: ByteRange): boolean {
  for (let index = head.find(cookieName); index >= 0; index = head.find(cookieName, index + 1)) {
    if (cookieIn(head.bytes, head.valueStart(index), head.valueEnd(index), name, into)) return true;
  }
  return false;
}

function cookieIn(bytes: Uint8Array, start: number, end: number, name: Uint8Array, into: ByteRange): boolean {
  let at = start;
  while (at < end) {
    while (at < end && (bytes[at] === SP || bytes[at] === HTAB)) at++;
    let stop = at;
    while (stop < end && bytes[stop] !== SEMICOLON) stop++;
    let equals = at;
    while (equals < stop && bytes[equals] !== EQUALS) equals++;
    if (equals < stop && isSame(bytes, at, equals, name)) {
      let from = equals + 1;
      let to = stop;
      while (to > from && (bytes[to - 1] === SP || bytes[to - 1] === HTAB)) to--;
      if (to - from >= 2 && bytes[from] === QUOTE && bytes[to - 1] === QUOTE) {
        from++;
        to--;
      }
      into.start = from;
      into.end = to;
      return true;
    }
    at = stop + 1;
  }
  return false;
}

function isSame(bytes: Uint8Array, start: number, end: number, text: Uint8Array): boolean {
  if (end - start !== text.length) return false;
  for (let i = 0; i < text.length; i++) if (bytes[start + i] !== text[i]) return false;
  return true;
}
