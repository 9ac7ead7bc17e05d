import { TOKEN } from '../../http/index.ts';
import { beginsClientHello } from '../../tls/index.ts';
import { KNOWN_METHODS } from './known-methods.ts';

/**
 * What the first bytes of a connection are. `http2`: the preface of HTTP/2 without TLS (RFC 9113 section 3.4). `more`: too
 * few to say.
 */
export type Sniffed = 'http1' | 'http2' | 'tls' | 'tcp' | 'more';

const LF = 0x0a;
const CR = 0x0d;
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
/**
 * A first line is looked for in so many bytes: a target as long as the codec takes, with room. Over it nothing more is waited
 * for.
 */
export const MAX_SNIFF_BYTES = 72 * 1024;
/** What may stand before a request line that servers skip; more of it is no beginning of anything but of an attack. */
const maxSkippedBytes = 8 * 1024;
const maxMethodBytes = 8 * 1024;
/** Servers skip or split at what their language calls a blank: in Python that is all of these. */
const BLANK = new Uint8Array(256);
for (const code of [0x09, 0x0b, 0x0c, 0x1c, 0x1d, 0x1e, 0x1f, 0x20, 0x85, 0xa0]) BLANK[code] = 1;
/** The byte-order mark of UTF-8. */
const mark = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * Tells HTTP/1.x, TLS, HTTP/2 and everything else apart: HTTP is a whole request line, TLS what begins as a ClientHello and
 * nothing else. So Redis, NATS, SMTP, RTSP and binary protocols whose first bytes happen to be `GET ` or 0x16 are not taken for
 * them. What *servers* would read as a request line is one, though the codec then refuses it: line ends, blanks or a byte-order
 * mark before it, several blanks within, no version at all (HTTP/0.9). Passed on as opaque bytes it would walk around every rule,
 * with any identity in its headers.
 */
export function sniff(bytes: Buffer): Sniffed {
  if (bytes.length === 0) return 'more';
  if (bytes[0] === 0x16) {
    const tls = beginsClientHello(bytes);
    return tls === 'yes' ? 'tls' : tls === 'no' ? 'tcp' : 'more';
  }
  if (bytes[0] === preface[0]) {
    const known = Math.min(bytes.length, preface.length);
    if (bytes.compare(preface, 0, known, 0, known) === 0 && known > 3)
      return known === preface.length ? 'http2' : 'more';
  }
  const start = skip(bytes);
  if (start - maxSkippedBytes > 0) return 'http1';
  if (start === bytes.length) return 'more';
  let at = start;
  while (at < bytes.length && TOKEN[bytes[at]!] === 1) at++;
  if (at - start > maxMethodBytes) return 'tcp';
  if (at === bytes.length) return 'more';
  if (BLANK[bytes[at]!] !== 1 || at === start) return isPartOfMark(bytes, start) ? 'more' : 'tcp';
  const isLikely = isKnownMethod(bytes, start, at) && isTarget(bytes, skipBlanks(bytes, at, bytes.length));
  let end = at;
  for (; end < bytes.length && bytes[end] !== LF && bytes[end] !== CR; end++) {
    // Some servers take control characters in a path; other protocols have them all over.
    if (isControl(bytes[end]!) && !isLikely) return 'tcp';
  }
  if (end < bytes.length) return isRequestLine(bytes, start, at, end) ? 'http1' : 'tcp';
  if (bytes.length < MAX_SNIFF_BYTES) return 'more';
  return isLikely ? 'http1' : 'tcp';
}

/** Whether the bytes, too few to say, may become TLS or the preface of HTTP/2. */
export function mayBeOther(bytes: Buffer): boolean {
  if (bytes[0] === 0x16) return true;
  return bytes.length < preface.length && bytes.compare(preface, 0, bytes.length) === 0;
}

/** Whether the bytes, too few to say more, are those of a request of a method that servers know. */
export function mayBeRequest(bytes: Buffer): boolean {
  const start = skip(bytes);
  let at = start;
  while (at < bytes.length && TOKEN[bytes[at]!] === 1) at++;
  const word = bytes.toString('latin1', start, Math.min(at, start + 32));
  if (word === '') return start > 0;
  return at < bytes.length ? methods.has(word) : KNOWN_METHODS.some(method => method.startsWith(word));
}

/** Where the first line begins that is neither empty nor begins with a blank or a byte-order mark. */
function skip(bytes: Buffer): number {
  let at = 0;
  for (; at < bytes.length; at++) {
    const code = bytes[at]!;
    if (code === CR || code === LF || BLANK[code] === 1) continue;
    if (code !== mark[0] || bytes.length - at < 3 || bytes.compare(mark, 0, 3, at, at + 3) !== 0) break;
    at += 2;
  }
  return at;
}

function isPartOfMark(bytes: Buffer, at: number): boolean {
  const known = bytes.length - at;
  return known < mark.length && bytes.compare(mark, 0, known, at) === 0;
}

const methods: ReadonlySet<string> = new Set(KNOWN_METHODS);
/** Longer than any of them. */
const longestKnownMethod = 32;
const httpVersion = /^http\/\d+(?:\.\d+)?$/i;
/** What llhttp reads like HTTP for the sake of set-top boxes. */
const otherVersion = /^(?:rtsp|ice)\/\d+\.\d+$/i;
const longestVersion = 16;
/** Methods that RTSP and ICE have no use for, or of which HTTP has more. */
const webMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH']);

/**
 * Whether the line `bytes[start, end)`, whose first word ends at `methodEnd`, asks for something. What stands between is the
 * codec's business.
 */
function isRequestLine(bytes: Buffer, start: number, methodEnd: number, end: number): boolean {
  const target = skipBlanks(bytes, methodEnd, end);
  let last = end;
  while (last > methodEnd && BLANK[bytes[last - 1]!] === 1) last--;
  let version = last;
  while (version > methodEnd && BLANK[bytes[version - 1]!] !== 1) version--;
  // llhttp takes a CONNECT without a version, and even without a target. NATS has one as well, with a brace behind it.
  const isConnect = bytes.toString('latin1', start, methodEnd) === 'CONNECT';
  if (target === end) return isConnect;
  // HTTP/0.9: a method and a target, and nothing behind it.
  if (target === version) {
    return (
      isKnownMethod(bytes, start, methodEnd) &&
      (isTarget(bytes, target) || (isConnect && isHostByte(bytes[target]!)))
    );
  }
  if (last - version > longestVersion) return false;
  const word = bytes.toString('latin1', version, last);
  if (httpVersion.test(word)) return true;
  return otherVersion.test(word) && webMethods.has(bytes.toString('latin1', start, methodEnd));
}

/** A control character that is no blank. */
function isControl(code: number): boolean {
  return (code < 0x20 || code === 0x7f) && BLANK[code] === 0;
}

function skipBlanks(bytes: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end && BLANK[bytes[at]!] === 1) at++;
  return at;
}

function isKnownMethod(bytes: Buffer, start: number, end: number): boolean {
  return end - start <= longestKnownMethod && methods.has(bytes.toString('latin1', start, end));
}

/** Whether a path, an asterisk or a URL begins at `at`. */
function isTarget(bytes: Buffer, at: number): boolean {
  if (bytes[at] === 0x2f || bytes[at] === 0x2a) return true;
  return /^[a-z]+:\/\//i.test(bytes.toString('latin1', at, at + 32));
}

/** A letter, a digit or the bracket of an IPv6 address. */
function isHostByte(code: number): boolean {
  return /[a-z0-9[]/i.test(String.fromCharCode(code));
}
