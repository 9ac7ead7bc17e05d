// Looks into the first bytes of a connection for a TLS ClientHello (RFC 8446 section 4.1.2) without taking part in it: which
// protocols it offers (ALPN, RFC 7301) and which name it wants (SNI, RFC 6066). Bounded in bytes and records, never throws.
import { ByteCollector } from '../wire/index.ts';

/** What the first bytes are. `more`: too few to say. */
export type Hello =
  | { readonly kind: 'more' }
  | { readonly kind: 'not-tls' }
  | { readonly kind: 'hello'; readonly serverName: string; readonly protocols: readonly string[] };

const more: Hello = { kind: 'more' };
const notTls: Hello = { kind: 'not-tls' };
const recordHandshake = 0x16;
const typeClientHello = 1;
const extensionServerName = 0;
const extensionAlpn = 16;
const recordHeaderBytes = 5;
const messageHeaderBytes = 4;
/** A ClientHello whose message is larger than this is let pass as opaque bytes. */
export const MAX_HELLO_BYTES = 16 * 1024;
/** So is one in more records than this: each costs five bytes of header, however little is in it. */
export const MAX_HELLO_RECORDS = 1024;

/**
 * Reads a ClientHello that comes in pieces, each byte once. Records of other types and empty ones, of which there may be any
 * number without the message growing, are no part of a hello: RFC 8446 section 5.1 forbids them there.
 */
export class HelloScanner {
  readonly #message = new ByteCollector();
  readonly #header = Buffer.alloc(recordHeaderBytes);
  #headerUsed = 0;
  #recordLeft = 0;
  #records = 0;
  #result: Hello = more;

  /** What is known so far. */
  get result(): Hello {
    return this.#result;
  }

  /** Takes the next bytes of the connection, which begin where the last ones ended; `result` afterwards. */
  push(bytes: Buffer, start: number, end: number): Hello {
    let at = start;
    while (at < end && this.#result.kind === 'more') {
      at = this.#recordLeft > 0 ? this.#content(bytes, at, end) : this.#recordHeader(bytes, at, end);
    }
    return this.#result;
  }

  #recordHeader(bytes: Buffer, start: number, end: number): number {
    const header = this.#header;
    let at = start;
    while (at < end && this.#headerUsed < recordHeaderBytes) header[this.#headerUsed++] = bytes[at++]!;
    if (!isHelloRecord(header, this.#headerUsed) || this.#records === MAX_HELLO_RECORDS)
      this.#result = notTls;
    else if (this.#headerUsed === recordHeaderBytes) {
      this.#records++;
      this.#headerUsed = 0;
      this.#recordLeft = header.readUInt16BE(3);
    }
    return at;
  }

  #content(bytes: Buffer, start: number, end: number): number {
    const stop = Math.min(end, start + this.#recordLeft);
    this.#recordLeft -= stop - start;
    this.#message.add(bytes, start, stop);
    this.#look(this.#message.bytes!);
    return stop;
  }

  #look(message: Buffer): void {
    if (message[0] !== typeClientHello) this.#result = notTls;
    if (this.#result.kind !== 'more' || message.length < messageHeaderBytes) return;
    const length = message.readUIntBE(1, 3);
    if (length > MAX_HELLO_BYTES) this.#result = notTls;
    else if (message.length >= messageHeaderBytes + length)
      this.#result = readBody(message.subarray(messageHeaderBytes, messageHeaderBytes + length));
  }
}

/** Reads `bytes`, which begin where the connection began. */
export function readClientHello(bytes: Buffer): Hello {
  return new HelloScanner().push(bytes, 0, bytes.length);
}

/**
 * Whether `bytes` begin as a ClientHello does, as far as they go: enough to tell it from other protocols whose first byte is
 * 0x16. `more`: they do so far, and there are fewer than it takes to be sure.
 */
export function beginsClientHello(bytes: Buffer): 'yes' | 'no' | 'more' {
  const header = Math.min(bytes.length, recordHeaderBytes);
  if (!isHelloRecord(bytes, header)) return 'no';
  if (bytes.length <= recordHeaderBytes) return 'more';
  const message = bytes.subarray(recordHeaderBytes, recordHeaderBytes + bytes.readUInt16BE(3));
  if (message[0] !== typeClientHello) return 'no';
  // length(3), of which the first byte is 0 in all that we read, and the version that every hello names: 3.x.
  if (message.length > 1 && message[1] !== 0) return 'no';
  if (message.length > messageHeaderBytes && message[messageHeaderBytes] !== 3) return 'no';
  return bytes.length > recordHeaderBytes + messageHeaderBytes ? 'yes' : 'more';
}

/**
 * Whether the first `known` bytes of a record's header are those of a handshake record with something in it (RFC 8446 section
 * 5.1).
 */
function isHelloRecord(header: Buffer, known: number): boolean {
  if (known > 0 && header[0] !== recordHandshake) return false;
  // No version above 3.4 will ever be on the wire: TLS 1.3 writes 3.1 or 3.3 here, whatever it is.
  if (known > 1 && header[1] !== 3) return false;
  if (known > 2 && header[2]! > 4) return false;
  if (known < recordHeaderBytes) return true;
  const length = header.readUInt16BE(3);
  return length > 0 && length <= MAX_HELLO_BYTES;
}

function readBody(body: Buffer): Hello {
  // version(2) random(32) session id<0..32> cipher suites<2..> compression<1..> extensions<..>
  let at = 34;
  at += 1 + (body[at] ?? 0);
  if (at + 2 > body.length) return notTls;
  at += 2 + body.readUInt16BE(at);
  at += 1 + (body[at] ?? 0);
  let serverName = '';
  let protocols: string[] = [];
  if (at + 2 > body.length) return { kind: 'hello', serverName, protocols };
  const end = Math.min(body.length, at + 2 + body.readUInt16BE(at));
  at += 2;
  while (at + 4 <= end) {
    const type = body.readUInt16BE(at);
    const length = body.readUInt16BE(at + 2);
    const value = body.subarray(at + 4, Math.min(end, at + 4 + length));
    if (type === extensionServerName) serverName = readServerName(value);
    else if (type === extensionAlpn) protocols = readProtocols(value);
    at += 4 + length;
  }
  return { kind: 'hello', serverName, protocols };
}

function readServerName(value: Buffer): string {
  // list length(2) type(1) length(2) name
  if (value.length < 5 || value[2] !== 0) return '';
  return value.toString('latin1', 5, Math.min(value.length, 5 + value.readUInt16BE(3)));
}

function readProtocols(value: Buffer): string[] {
  const names: string[] = [];
  let at = 2;
  while (at < value.length) {
    const length = value[at]!;
    names.push(value.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return names;
}
