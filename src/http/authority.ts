// The authority of a URI as Host, targets and `:authority` hold it: a host with an optional port (RFC 9110 section 7.2).
import { AUTHORITY, equalsIgnoreCase } from './bytes.ts';

const COLON = 0x3a;
const BRACKET_OPEN = 0x5b;
const BRACKET_CLOSE = 0x5d;

/** Whether `bytes[start, end)` is a host with an optional port, without user information; empty is one. */
export function isAuthority(bytes: Uint8Array, start: number, end: number): boolean {
  const colon = hostEnd(bytes, start, end);
  if (colon === end) return true;
  return colon > start && bytes[colon] === COLON && areDigits(bytes, colon + 1, end);
}

/** The offset after the host that begins at `start`: at `end`, a colon or what does not belong there; -1 when it is malformed. */
export function hostEnd(bytes: Uint8Array, start: number, end: number): number {
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

export function areDigits(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    if (bytes[i]! < 0x30 || bytes[i]! > 0x39) return false;
  }
  return true;
}

/** The port that goes without saying (RFC 9110 section 4.2.3); '' for schemes that are neither http nor https. */
export function defaultPortOf(bytes: Buffer, start: number, end: number): string {
  const scheme = bytes.toString('latin1', start, end).toLowerCase();
  return scheme === 'http' ? '80' : scheme === 'https' ? '443' : '';
}

/** Whether two authorities in `bytes` are one: the same host, and the same port, or on one side none where it is the default. */
export function sameAuthority(
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

/** Whether two ranges hold the same text, letters in any case. */
function sameText(bytes: Buffer, start: number, end: number, otherStart: number, otherEnd: number): boolean {
  if (end - start !== otherEnd - otherStart) return false;
  return equalsIgnoreCase(bytes, start, end, lowered(bytes.subarray(otherStart, otherEnd)));
}

function lowered(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString('latin1').toLowerCase(), 'latin1');
}
