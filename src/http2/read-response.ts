// Makes the head of an answer of a list of fields, as read-request.ts does of a request.
import { createHash } from 'node:crypto';
import { type FieldList, FRONT_BYTES, idOf, NAME, NOT, nameFlags, valueFlags } from '../hpack/index.ts';
import { type Head, isBodiless, reasonPhrase, UNKNOWN_LENGTH } from '../http/index.ts';
import { FAULT } from './faults.ts';
import { pushFields } from './read-fields.ts';
import { isPseudo, pushLine } from './read-request.ts';

const upgradeLines = [
  { line: Buffer.from('connection: Upgrade\r\n', 'latin1'), name: 'connection'.length },
  { line: Buffer.from('upgrade: websocket\r\n', 'latin1'), name: 'upgrade'.length },
] as const;

/** What the answer is to. */
export interface AnsweredRequest {
  readonly toHead: boolean;
  /** 2xx opens a tunnel. */
  readonly isTunnel: boolean;
  /** The `Sec-WebSocket-Key` of the upgrade that was sent as an extended CONNECT; '' where the request was another. */
  readonly webSocketKey: string;
}

/** The head of an answer, FAULT.NONE, or what is wrong with it. `end`: no body follows. */
export function readResponse(list: FieldList, head: Head, end: boolean, to: AnsweredRequest): number {
  head.reset(list.bytes, 0);
  const status = readStatus(list);
  if (status < 0) return -status;
  head.status = status;
  head.headersStart = list.count > 1 ? list.nameStart(1) : list.used;
  const fieldFault = pushFields(list, head, 1);
  if (fieldFault !== FAULT.NONE) return fieldFault;
  if (to.isTunnel && status >= 200 && status < 300) openTunnel(list, head, to.webSocketKey);
  list.ensure(list.used, 2);
  list.bytes[list.used] = 0x0d;
  list.bytes[list.used + 1] = 0x0a;
  head.bytes = list.bytes;
  head.end = list.used + 2;
  const phrase = phraseOf(head.status);
  phrase.copy(list.bytes, 0);
  head.reasonStart = 0;
  head.reasonEnd = phrase.length;
  if (isBodiless(status, to.toHead)) head.bodyLength = 0;
  else if (end) return head.bodyLength > 0 ? FAULT.LENGTH_MISMATCH : FAULT.NONE;
  else if (head.contentLength < 0) head.bodyLength = UNKNOWN_LENGTH;
  return FAULT.NONE;
}

/** The status, or a fault, negative. */
function readStatus(list: FieldList): number {
  if (list.count === 0) return -FAULT.MISSING_PSEUDO;
  const info = list.info(0);
  if (idOf(info) !== NAME.STATUS) return -(isPseudo(list, 0) ? FAULT.UNKNOWN_PSEUDO : FAULT.MISSING_PSEUDO);
  if ((nameFlags(info) & NOT.LOWERCASE) !== 0) return -FAULT.UPPERCASE_NAME;
  if (list.count > 1 && isPseudo(list, 1))
    return -(idOf(list.info(1)) === NAME.STATUS ? FAULT.DUPLICATE_PSEUDO : FAULT.UNKNOWN_PSEUDO);
  const from = list.valueStart(0);
  if (list.valueEnd(0) - from !== 3 || (valueFlags(info) & NOT.DIGITS) !== 0) return -FAULT.BAD_STATUS;
  const { bytes } = list;
  const status = (bytes[from]! - 0x30) * 100 + (bytes[from + 1]! - 0x30) * 10 + bytes[from + 2]! - 0x30;
  // RFC 9113 section 8.6: HTTP/2 has no 101.
  return status < 100 || status === 101 ? -FAULT.BAD_STATUS : status;
}

function openTunnel(list: FieldList, head: Head, webSocketKey: string): void {
  if (head.contentLength >= 0) head.remove(head.contentLength);
  head.contentLength = -1;
  head.bodyLength = 0;
  if (webSocketKey === '') return;
  head.status = 101;
  head.isUpgrade = true;
  for (const { line, name } of upgradeLines) head.upgrade = pushLine(list, head, line, name);
  head.connection = head.upgrade - 1;
  const line = Buffer.from(`sec-websocket-accept: ${acceptOf(webSocketKey)}\r\n`, 'latin1');
  pushLine(list, head, line, 'sec-websocket-accept'.length);
}

/** RFC 6455 section 4.2.2. */
function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}

const phrases: Buffer[] = [];

/** The usual reason phrase, short enough for the room before the first line. */
function phraseOf(status: number): Buffer {
  phrases[status] ??= Buffer.from(reasonPhrase(status).slice(0, FRONT_BYTES - 4), 'latin1');
  return phrases[status];
}
