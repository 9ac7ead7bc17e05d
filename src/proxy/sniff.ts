import { equalsIgnoreCase, METHOD, methodOf, TOKEN } from '../http/index.ts';

/** What the first bytes of a connection are. `more`: too few to say. */
export type Sniffed = 'http1' | 'tls' | 'tcp' | 'more';

const SP = 0x20;
const CR = 0x0d;
const LF = 0x0a;
const maxMethodBytes = 32;
const maxLineBytes = 8 * 1024;
const version = Buffer.from(' HTTP/1.', 'latin1');
const slash = Buffer.from('/', 'latin1');
const schemes = [Buffer.from('http://', 'latin1'), Buffer.from('https://', 'latin1')];

/**
 * Tells HTTP/1.x, TLS and everything else apart. A well-known method decides as soon as what follows cannot be anything but a target;
 * other beginnings only when the whole first line ends like a request line, so that Redis, NATS, SMTP, RTSP and others with words in
 * front, `GET` and `CONNECT` among them, are not taken for HTTP. The HTTP/2 preface travels as opaque bytes.
 */
export function sniff(bytes: Buffer): Sniffed {
  const first = bytes[0];
  if (first === undefined) return 'more';
  if (first === 0x16) return bytes.length > 1 && bytes[1] !== 3 ? 'tcp' : 'tls';
  // Lenient clients may send an empty line first; nothing else does.
  let start = 0;
  if (first === CR) {
    if (bytes.length < 3) return bytes.length === 2 && bytes[1] !== LF ? 'tcp' : 'more';
    if (bytes[1] !== LF) return 'tcp';
    start = 2;
  }
  let at = start;
  while (at < bytes.length && at - start <= maxMethodBytes && TOKEN[bytes[at]!] === 1) at++;
  if (at === bytes.length) return at - start > maxMethodBytes ? 'tcp' : 'more';
  if (bytes[at] !== SP || at === start) return 'tcp';
  const method = methodOf(bytes, start, at);
  if (method !== METHOD.OTHER && startsTarget(bytes, at + 1, method)) return 'http1';
  const lineEnd = bytes.indexOf(LF, at);
  if (lineEnd < 0) return bytes.length > maxLineBytes ? 'tcp' : 'more';
  const line = bytes.subarray(start, lineEnd);
  const found = line.lastIndexOf(version);
  return found > 0 && line.length - found <= version.length + 2 ? 'http1' : 'tcp';
}

/** Whether a path or a URL begins at `at`, or for CONNECT a host. */
function startsTarget(bytes: Buffer, at: number, method: number): boolean {
  if (method === METHOD.CONNECT) return isHostByte(bytes[at]);
  return begins(bytes, at, slash) || schemes.some(scheme => begins(bytes, at, scheme));
}

function begins(bytes: Buffer, at: number, lower: Buffer): boolean {
  return bytes.length >= at + lower.length && equalsIgnoreCase(bytes, at, at + lower.length, lower);
}

/** A letter, a digit or the bracket of an IPv6 address. */
function isHostByte(code: number | undefined): boolean {
  if (code === undefined) return false;
  const lower = code | 0x20;
  return (lower >= 0x61 && lower <= 0x7a) || (code >= 0x30 && code <= 0x39) || code === 0x5b;
}
