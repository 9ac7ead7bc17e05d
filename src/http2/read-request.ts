// Makes the head of a request of a list of fields: the lines stay where the decoder wrote them. Strict: what HTTP/1 could read in
// another way is refused here, by name (RFC 9113 sections 8.2 and 8.3, RFC 8441).
import { randomBytes } from 'node:crypto';
import { type FieldList, idOf, NAME, NOT, nameFlags, valueFlags } from '../hpack/index.ts';
import {
  defaultPortOf,
  type Head,
  hostEnd,
  isAuthority,
  METHOD,
  methodOf,
  sameAuthority,
  UNKNOWN_LENGTH,
} from '../http/index.ts';
import { FAULT } from './faults.ts';
import { pushFields } from './read-fields.ts';

const SPACE = 0x20;
const SLASH = 0x2f;
const ASTERISK = 0x2a;
const COLON = 0x3a;
const maxMethodBytes = 64;
const HOST = Buffer.from('host: ', 'latin1');
const GET = Buffer.from('GET ', 'latin1');
const WEBSOCKET = Buffer.from('websocket', 'latin1');
const upgradeLines = [
  { line: Buffer.from('connection: Upgrade\r\n', 'latin1'), name: 'connection'.length, id: NAME.CONNECTION },
  { line: Buffer.from('upgrade: websocket\r\n', 'latin1'), name: 'upgrade'.length, id: NAME.UPGRADE },
] as const;

/** Where the pseudo headers of the head under way are; -1 for none. */
const pseudo = { method: -1, scheme: -1, authority: -1, path: -1, protocol: -1 };

/**
 * The head of a request, FAULT.NONE, or what is wrong with it. It points into the list's bytes. `end`: no body follows;
 * `maxTargetBytes` is the limit of `:path`.
 */
export function readRequest(list: FieldList, head: Head, end: boolean, maxTargetBytes: number): number {
  head.reset(list.bytes, 0);
  head.major = 2;
  const first = readPseudo(list);
  if (first < 0) return -first;
  const formFault = checkForm(list, head, maxTargetBytes);
  if (formFault !== FAULT.NONE) return formFault;
  const isExtended = pseudo.protocol >= 0;
  const hostFault = placeHost(list, head, first);
  if (hostFault !== FAULT.NONE) return hostFault;
  const fieldFault = pushFields(list, head, first);
  if (fieldFault !== FAULT.NONE) return fieldFault;
  if (isExtended) becomeUpgrade(list, head);
  const settled = settleHost(list, head);
  if (settled !== FAULT.NONE) return settled;
  return settleBody(list, head, end);
}

/** Notes the pseudo headers; the index of the first other field, or a fault, negative. */
function readPseudo(list: FieldList): number {
  pseudo.method = -1;
  pseudo.scheme = -1;
  pseudo.authority = -1;
  pseudo.path = -1;
  pseudo.protocol = -1;
  let i = 0;
  for (; i < list.count; i++) {
    const info = list.info(i);
    let before: number;
    switch (idOf(info)) {
      case NAME.METHOD:
        before = pseudo.method;
        pseudo.method = i;
        break;
      case NAME.PATH:
        before = pseudo.path;
        pseudo.path = i;
        break;
      case NAME.SCHEME:
        before = pseudo.scheme;
        pseudo.scheme = i;
        break;
      case NAME.AUTHORITY:
        before = pseudo.authority;
        pseudo.authority = i;
        break;
      case NAME.PROTOCOL:
        before = pseudo.protocol;
        pseudo.protocol = i;
        break;
      default:
        return isPseudo(list, i) ? -FAULT.UNKNOWN_PSEUDO : i;
    }
    if (before >= 0) return -FAULT.DUPLICATE_PSEUDO;
    // Names of the static table come in capitals too when somebody spells them out.
    if ((nameFlags(info) & NOT.LOWERCASE) !== 0) return -FAULT.UPPERCASE_NAME;
  }
  return i;
}

/** Whether a field's name begins with a colon. */
export function isPseudo(list: FieldList, index: number): boolean {
  return list.bytes[list.nameStart(index)] === COLON && list.nameEnd(index) > list.nameStart(index);
}

/** Which pseudo headers there must be, and what they may say. Notes method and target. */
function checkForm(list: FieldList, head: Head, maxTargetBytes: number): number {
  const { method, scheme, path, authority, protocol } = pseudo;
  if (method < 0) return FAULT.MISSING_PSEUDO;
  const from = list.valueStart(method);
  const to = list.valueEnd(method);
  if (to - from > maxMethodBytes) return FAULT.METHOD_TOO_LONG;
  if (to === from || (valueFlags(list.info(method)) & NOT.TOKEN) !== 0) return FAULT.BAD_METHOD;
  head.method = methodOf(list.bytes, from, to);
  if (head.method === METHOD.CONNECT) {
    if (protocol < 0) return checkConnect(list, head);
    if (!isWebSocket(list, protocol)) return FAULT.BAD_PROTOCOL;
    if (authority < 0) return FAULT.NO_HOST;
  } else if (protocol >= 0) return FAULT.UNKNOWN_PSEUDO;
  if (scheme < 0 || path < 0) return FAULT.MISSING_PSEUDO;
  if (!isScheme(list.bytes, list.valueStart(scheme), list.valueEnd(scheme))) return FAULT.BAD_SCHEME;
  return checkPath(list, head, maxTargetBytes);
}

/** RFC 9113 section 8.5: where a tunnel is to go stands in `:authority`, and nothing else. */
function checkConnect(list: FieldList, head: Head): number {
  const { scheme, path, authority } = pseudo;
  if (scheme >= 0 || path >= 0) return FAULT.UNKNOWN_PSEUDO;
  if (authority < 0) return FAULT.MISSING_PSEUDO;
  const from = list.valueStart(authority);
  const to = list.valueEnd(authority);
  const colon = hostEnd(list.bytes, from, to);
  if (!isAuthority(list.bytes, from, to) || colon <= from || colon + 1 >= to) return FAULT.BAD_HOST;
  head.targetStart = from;
  head.targetEnd = to;
  return FAULT.NONE;
}

function checkPath(list: FieldList, head: Head, maxTargetBytes: number): number {
  const { path } = pseudo;
  const from = list.valueStart(path);
  const to = list.valueEnd(path);
  if (to - from > maxTargetBytes) return FAULT.TARGET_TOO_LONG;
  // What was cut off as a blank is one too many.
  const isWhole = list.nameEnd(path) + 2 === from;
  if (to === from || !isWhole || (valueFlags(list.info(path)) & NOT.TARGET) !== 0) return FAULT.BAD_TARGET;
  if (list.bytes[from] !== SLASH) {
    const isServer = list.bytes[from] === ASTERISK && to === from + 1 && head.method === METHOD.OPTIONS;
    if (!isServer) return FAULT.BAD_TARGET;
  }
  head.targetStart = from;
  head.targetEnd = to;
  return FAULT.NONE;
}

function isWebSocket(list: FieldList, index: number): boolean {
  const from = list.valueStart(index);
  if (list.valueEnd(index) - from !== WEBSOCKET.length) return false;
  for (let i = 0; i < WEBSOCKET.length; i++)
    if ((list.bytes[from + i]! | 0x20) !== WEBSOCKET[i]) return false;
  return true;
}

/** RFC 3986 section 3.1. */
function isScheme(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const code = bytes[i]! | 0x20;
    const isLetter = code >= 0x61 && code <= 0x7a;
    if (isLetter) continue;
    const raw = bytes[i]!;
    const isOther = (raw >= 0x30 && raw <= 0x39) || raw === 0x2b || raw === 0x2d || raw === 0x2e;
    if (!isOther || i === start) return false;
  }
  return end > start;
}

let saved = Buffer.allocUnsafeSlow(512);

/**
 * Makes `host: …` of `:authority`, right before the fields that follow, so that the lines of the head are one piece. Where other
 * pseudo headers stand behind it, they change places. Method and path get the blank behind them that a first line has.
 */
function placeHost(list: FieldList, head: Head, first: number): number {
  const { bytes } = list;
  const { authority, method, path } = pseudo;
  const after = first < list.count ? list.nameStart(first) : list.used;
  if (authority >= 0) {
    const from = list.valueStart(authority);
    const length = list.valueEnd(authority) - from;
    if (!isAuthority(bytes, from, from + length)) return FAULT.BAD_HOST;
    if (length > 0) {
      if (saved.length < length) saved = Buffer.allocUnsafeSlow(length * 2);
      const isLast = authority === first - 1;
      if (!isLast) moveBehind(list, head, authority, first, after, length);
      const valueStart = isLast ? from : after - 2 - length;
      const start = valueStart - HOST.length;
      HOST.copy(bytes, start);
      if (head.method === METHOD.CONNECT && pseudo.protocol < 0) {
        head.targetStart = valueStart;
        head.targetEnd = valueStart + length;
      }
      head.headersStart = start;
      // The range may be shorter than the line: blanks behind the value stay.
      const nameEnd = start + HOST.length - 2;
      head.host = head.push(start, nameEnd, valueStart, valueStart + length, after, NAME.HOST);
    }
  }
  if (head.host < 0) head.headersStart = after;
  const methodStart = list.valueStart(method);
  head.methodStart = methodStart;
  head.methodEnd = list.valueEnd(method);
  bytes[head.methodEnd] = SPACE;
  // Behind the target of CONNECT, which is that of Host, a line ends.
  if (path >= 0) bytes[head.targetEnd] = SPACE;
  return FAULT.NONE;
}

/** Moves the lines behind `:authority` to its place, and its value to where they ended. */
function moveBehind(
  list: FieldList,
  head: Head,
  authority: number,
  first: number,
  after: number,
  length: number,
): void {
  const { bytes } = list;
  const start = list.nameStart(authority);
  const next = list.nameStart(authority + 1);
  bytes.copy(saved, 0, list.valueStart(authority), list.valueStart(authority) + length);
  bytes.copyWithin(start, next, after);
  for (let i = authority + 1; i < first; i++) list.move(i, start - next);
  saved.copy(bytes, after - 2 - length, 0, length);
  bytes[after - 2] = 0x0d;
  bytes[after - 1] = 0x0a;
  if (pseudo.path > authority) {
    head.targetStart = list.valueStart(pseudo.path);
    head.targetEnd = list.valueEnd(pseudo.path);
  }
}

/** One host: that of `:authority`, which a Host beside it must not contradict. */
function settleHost(list: FieldList, head: Head): number {
  if (head.host < 0) return FAULT.NO_HOST;
  const { bytes } = list;
  const from = head.valueStart(head.host);
  const to = head.valueEnd(head.host);
  if (!isAuthority(bytes, from, to) || from === to) return FAULT.BAD_HOST;
  const second = head.find(HOST.subarray(0, 4), head.host + 1);
  if (second < 0) return FAULT.NONE;
  // Two fields called Host are two too many, whatever they say.
  const hasAuthority = pseudo.authority >= 0 && head.host === 0;
  if (!hasAuthority || head.find(HOST.subarray(0, 4), second + 1) >= 0) return FAULT.DUPLICATE_HOST;
  const { scheme } = pseudo;
  const port = scheme < 0 ? '' : defaultPortOf(bytes, list.valueStart(scheme), list.valueEnd(scheme));
  if (!sameAuthority(bytes, from, to, head.valueStart(second), head.valueEnd(second), port))
    return FAULT.HOST_MISMATCH;
  head.remove(second);
  return FAULT.NONE;
}

/** An extended CONNECT is, to everybody but this codec, the upgrade that HTTP/1 has for it. */
function becomeUpgrade(list: FieldList, head: Head): void {
  for (const { line, name, id } of upgradeLines) {
    const index = pushLine(list, head, line, name);
    if (id === NAME.UPGRADE) head.upgrade = index;
    else head.connection = index;
  }
  if (head.find(Buffer.from('sec-websocket-key', 'latin1')) < 0) {
    const line = Buffer.from(`sec-websocket-key: ${randomBytes(16).toString('base64')}\r\n`, 'latin1');
    pushLine(list, head, line, 'sec-websocket-key'.length);
  }
  // In the room before the first line.
  GET.copy(list.bytes, 0);
  head.method = METHOD.GET;
  head.methodStart = 0;
  head.methodEnd = GET.length - 1;
  head.isUpgrade = true;
}

/** Appends a line of the codec's own; its index in the head. */
export function pushLine(list: FieldList, head: Head, line: Buffer, nameLength: number): number {
  const start = list.used;
  list.ensure(start, line.length + 2);
  head.bytes = list.bytes;
  line.copy(list.bytes, start);
  list.used = start + line.length;
  return head.push(start, start + nameLength, start + nameLength + 2, list.used - 2, list.used);
}

function settleBody(list: FieldList, head: Head, end: boolean): number {
  list.ensure(list.used, 2);
  list.bytes[list.used] = 0x0d;
  list.bytes[list.used + 1] = 0x0a;
  head.bytes = list.bytes;
  head.end = list.used + 2;
  const isTunnel = head.isUpgrade || head.method === METHOD.CONNECT;
  if (isTunnel) {
    // DATA is what goes through it, and comes when it is open.
    if (head.contentLength >= 0) head.remove(head.contentLength);
    head.bodyLength = 0;
  } else if (end) {
    if (head.bodyLength > 0) return FAULT.LENGTH_MISMATCH;
  } else if (head.contentLength < 0) head.bodyLength = UNKNOWN_LENGTH;
  return FAULT.NONE;
}
