// Looks into the first bytes of a connection for a TLS ClientHello (RFC 8446 section 4.1.2) without taking part in it: which
// protocols it offers (ALPN, RFC 7301) and which name it wants (SNI, RFC 6066). Bounded, never throws.

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
/** A ClientHello larger than this is let pass as opaque bytes. */
const maxHelloBytes = 16 * 1024;

/** Reads `bytes`, which begin where the connection began. */
export function readClientHello(bytes: Buffer): Hello {
  if (bytes.length === 0) return more;
  if (bytes[0] !== recordHandshake) return notTls;
  if (bytes.length > 1 && bytes[1] !== 3) return notTls;
  const message = handshakeMessage(bytes);
  if (message === undefined) return bytes.length > maxHelloBytes ? notTls : more;
  if (message[0] !== typeClientHello) return notTls;
  const length = (message[1]! << 16) | (message[2]! << 8) | message[3]!;
  if (length > maxHelloBytes) return notTls;
  if (message.length < 4 + length) return more;
  return readBody(message.subarray(4, 4 + length));
}

/** The handshake bytes of the records so far; undefined while there are fewer than the four that say what they are. */
function handshakeMessage(bytes: Buffer): Buffer | undefined {
  const pieces: Buffer[] = [];
  let at = 0;
  while (at + 5 <= bytes.length && bytes[at] === recordHandshake) {
    const length = bytes.readUInt16BE(at + 3);
    pieces.push(bytes.subarray(at + 5, at + 5 + length));
    at += 5 + length;
  }
  const message = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
  return message.length < 4 ? undefined : message;
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
