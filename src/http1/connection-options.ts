// What a message says about its connection (RFC 9112 section 9): Connection, Upgrade, Keep-Alive and what old clients write. None
// of it goes on as it came; what the next hop is told is its codec's business.
import { eachToken, equalsIgnoreCase, type Head } from '../http/index.ts';
import { parseLength } from './length.ts';

const ascii = (text: string): Buffer => Buffer.from(text, 'latin1');
const names = {
  upgrade: ascii('upgrade'),
  connection: ascii('connection'),
  http2Settings: ascii('http2-settings'),
};
const words = {
  close: ascii('close'),
  keepAlive: ascii('keep-alive'),
  upgrade: ascii('upgrade'),
  timeout: ascii('timeout='),
  h2c: ascii('h2c'),
};

/** Headers that a Connection header may name without being taken out: without them the message would mean something else. */
const protectedNames = [
  'host',
  'content-length',
  'transfer-encoding',
  'te',
  'upgrade',
  'authorization',
  'cookie',
  'x-forwarded-for',
  'x-forwarded-client-cert',
  'expect',
  'date',
  'set-cookie',
  'content-type',
  'cache-control',
].map(ascii);

let noting: Head;
const CLOSE = 1;
const KEEP_ALIVE = 2;
const UPGRADE = 4;
/** Connection names something else as well. */
const NOMINATION = 8;
/** Upgrade names a protocol, and h2c is one of them. */
const PROTOCOL = 16;
const H2C = 32;
let seen = 0;

function noteConnectionToken(start: number, end: number): boolean {
  const bytes = noting.bytes;
  if (equalsIgnoreCase(bytes, start, end, words.close)) seen |= CLOSE;
  else if (equalsIgnoreCase(bytes, start, end, words.keepAlive)) seen |= KEEP_ALIVE;
  else if (equalsIgnoreCase(bytes, start, end, words.upgrade)) seen |= UPGRADE;
  else seen |= NOMINATION;
  return true;
}

/** For a Connection header. */
export function noteConnection(head: Head, index: number, valueStart: number, valueEnd: number): void {
  noting = head;
  eachToken(head.bytes, valueStart, valueEnd, noteConnectionToken);
  // `connection` is the first one; later ones count as well (RFC 9110 section 5.3: lists may be split over lines).
  if (head.connection < 0) head.connection = index;
  head.remove(index);
}

/** For an Upgrade header. */
export function noteUpgrade(head: Head, index: number, valueStart: number, valueEnd: number): void {
  noting = head;
  eachToken(head.bytes, valueStart, valueEnd, noteUpgradeToken);
  // The first one; settleUpgrade looks for more.
  if (head.upgrade < 0) head.upgrade = index;
}

function noteUpgradeToken(start: number, end: number): boolean {
  seen |= equalsIgnoreCase(noting.bytes, start, end, words.h2c) ? PROTOCOL | H2C : PROTOCOL;
  return true;
}

/** The misunderstanding of old clients: never passed on, and only what is safe is followed. */
export function noteProxyConnection(head: Head, index: number): void {
  noting = head;
  eachToken(head.bytes, head.valueStart(index), head.valueEnd(index), noteProxyConnectionToken);
  head.remove(index);
}

function noteProxyConnectionToken(start: number, end: number): boolean {
  if (equalsIgnoreCase(noting.bytes, start, end, words.close)) seen |= CLOSE;
  return true;
}

/** For a Keep-Alive header. */
export function noteKeepAlive(head: Head, index: number, valueStart: number, valueEnd: number): void {
  head.remove(index);
  noting = head;
  eachToken(head.bytes, valueStart, valueEnd, noteKeepAliveParameter);
}

function noteKeepAliveParameter(start: number, end: number): boolean {
  const equals = start + words.timeout.length;
  if (end <= equals || !equalsIgnoreCase(noting.bytes, start, equals, words.timeout)) return true;
  const seconds = parseLength(noting.bytes, equals, end);
  if (seconds > 0) noting.keepAliveTimeoutMs = Math.min(seconds, 86_400) * 1000;
  return false;
}

/** Turns what was noted about the connection into the head's fields. */
export function settleConnection(head: Head): void {
  const flags = seen;
  seen = 0;
  head.keepAlive = head.minor === 1 ? (flags & CLOSE) === 0 : (flags & (KEEP_ALIVE | CLOSE)) === KEEP_ALIVE;
  if (head.upgrade >= 0) settleUpgrade(head, flags);
  if (head.connection >= 0) removeNominated(head, (flags & NOMINATION) !== 0);
}

function settleUpgrade(head: Head, flags: number): void {
  // An upgrade to h2c would carry requests past every policy; the request is answered as the HTTP/1.1 request that it also is.
  const toH2c = (flags & H2C) !== 0;
  const isUpgrade = (flags & UPGRADE) !== 0 && (flags & PROTOCOL) !== 0;
  if (isUpgrade && head.minor === 1 && !toH2c) {
    head.isUpgrade = true;
    return;
  }
  removeAll(head, names.upgrade);
  if (toH2c) removeAll(head, names.http2Settings);
}

function removeAll(head: Head, name: Uint8Array): void {
  for (let index = head.find(name); index >= 0; index = head.find(name, index + 1)) head.remove(index);
}

/** Takes out the headers that Connection names (RFC 9110 section 7.6.1). */
function removeNominated(head: Head, more: boolean): void {
  // The next hop must not follow nominations that were followed here.
  if (head.isUpgrade && more) head.add(names.connection, words.upgrade);

  for (let index = head.connection; index < head.count; index++) {
    if (!equalsIgnoreCase(head.bytes, head.nameStart(index), head.nameEnd(index), names.connection)) continue;
    if (head.isUpgrade && !more) head.restore(index);
    noting = head;
    eachToken(head.bytes, head.valueStart(index), head.valueEnd(index), removeOneNominated);
  }
}

function removeOneNominated(start: number, end: number): boolean {
  const head = noting;
  const bytes = head.bytes;
  if (
    equalsIgnoreCase(bytes, start, end, words.close) ||
    equalsIgnoreCase(bytes, start, end, words.keepAlive)
  )
    return true;
  for (let n = 0; n < protectedNames.length; n++) {
    if (equalsIgnoreCase(bytes, start, end, protectedNames[n]!)) return true;
  }
  for (let index = 0; index < head.count; index++) {
    if (sameName(head, index, start, end)) head.remove(index);
  }
  return true;
}

function sameName(head: Head, index: number, start: number, end: number): boolean {
  const nameStart = head.nameStart(index);
  if (head.nameEnd(index) - nameStart !== end - start) return false;
  for (let i = 0; i < end - start; i++) {
    if (lower(head.bytes[nameStart + i]!) !== lower(head.bytes[start + i]!)) return false;
  }
  return true;
}

function lower(code: number): number {
  return code >= 0x41 && code <= 0x5a ? code | 0x20 : code;
}

/** Forgets flags of a head that was given up half way. Called by parsers before each head. */
export function beginNotes(): void {
  seen = 0;
}
