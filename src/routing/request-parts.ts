import { type Head, METHOD } from '../http/index.ts';
import type { VerifiedToken } from '../model/index.ts';

const SLASH = 0x2f;
const QUESTION = 0x3f;
const COLON = 0x3a;
const BRACKET_CLOSE = 0x5d;
const rootPath = Buffer.from('/', 'latin1');

/**
 * Where path, query and authority of a request lie, as byte ranges. Made once and read into again and again: matching is over
 * before the next request is looked at, so one for all is enough.
 */
export class RequestParts {
  /** What the path range points into: the head's bytes, or `/` where the target has no path. */
  pathBytes: Buffer = rootPath;
  pathStart = 0;
  pathEnd = 1;
  /** In the head's bytes, without the question mark; empty when there is none. */
  queryStart = 0;
  queryEnd = 0;
  hasQuery = false;
  /** In the head's bytes. `hostEnd` is where the port begins with its colon, or `authorityEnd`. */
  authorityStart = 0;
  authorityEnd = 0;
  hostEnd = 0;
  head!: Head;
  /** Who the request comes from, for rules that ask for claims; whoever fills the parts sets it. */
  token: VerifiedToken | undefined = undefined;

  read(head: Head): void {
    this.head = head;
    const { bytes, targetEnd } = head;
    const at = pathStartOf(head);
    let end = at;
    while (end < targetEnd && bytes[end] !== QUESTION) end++;
    this.pathBytes = bytes;
    this.pathStart = at;
    this.pathEnd = end;
    if (at === end) {
      this.pathBytes = rootPath;
      this.pathStart = 0;
      this.pathEnd = 1;
    }
    this.hasQuery = end < targetEnd;
    this.queryStart = this.hasQuery ? end + 1 : targetEnd;
    this.queryEnd = targetEnd;
    this.#readAuthority(head);
  }

  #readAuthority(head: Head): void {
    const { bytes, host } = head;
    if (host < 0) {
      this.authorityStart = 0;
      this.authorityEnd = 0;
      this.hostEnd = 0;
      return;
    }
    const start = head.valueStart(host);
    const end = head.valueEnd(host);
    let colon = end - 1;
    while (colon >= start && bytes[colon]! >= 0x30 && bytes[colon]! <= 0x39) colon--;
    const hasPort = colon >= start && bytes[colon] === COLON && isHost(bytes, start, colon);
    this.authorityStart = start;
    this.authorityEnd = end;
    this.hostEnd = hasPort ? colon : end;
  }
}

/** Where the path of a request begins in the head's bytes; the start of a target that has no path, `*` or `host:port`. */
export function pathStartOf({ bytes, targetStart, targetEnd, method }: Head): number {
  // RFC 9112 section 3.2: usually a path; behind explicit proxies a URL; `*` or host:port for two methods.
  if (bytes[targetStart] === SLASH || method === METHOD.CONNECT) return targetStart;
  return afterAuthority(bytes, targetStart, targetEnd);
}

/** Whether a colon that follows is a port's: IPv6 literals have their own, inside brackets. */
function isHost(bytes: Uint8Array, start: number, end: number): boolean {
  return bytes[start] !== 0x5b || bytes[end - 1] === BRACKET_CLOSE;
}

/** The offset after `scheme://authority`; `start` when the target is no URL. */
function afterAuthority(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at] !== COLON && bytes[at] !== SLASH) at++;
  if (at + 2 >= end || bytes[at] !== COLON || bytes[at + 1] !== SLASH || bytes[at + 2] !== SLASH)
    return start;
  at += 3;
  while (at < end && bytes[at] !== SLASH && bytes[at] !== QUESTION) at++;
  return at;
}
