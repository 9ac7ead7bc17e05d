// ClientHello messages built byte by byte (RFC 8446 section 4.1.2), right ones and odd ones.

/** What a hello offers. */
export interface HelloParts {
  readonly serverName?: string;
  readonly protocols?: readonly string[];
  /** Further extensions: type and value. */
  readonly extensions?: readonly (readonly [number, Buffer])[];
  /** Cuts the handshake message into records of at most this many bytes. */
  readonly recordBytes?: number;
  readonly sessionId?: number;
}

function u16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 255]);
}

function withLength16(bytes: Buffer): Buffer {
  return Buffer.concat([u16(bytes.length), bytes]);
}

/** The records of one ClientHello. */
export function clientHello(parts: HelloParts = {}): Buffer {
  const extensions: Buffer[] = (parts.extensions ?? []).map(([type, value]) =>
    Buffer.concat([u16(type), withLength16(value)]),
  );
  if (parts.serverName !== undefined) {
    const name = Buffer.concat([Buffer.from([0]), withLength16(Buffer.from(parts.serverName, 'latin1'))]);
    extensions.push(Buffer.concat([u16(0), withLength16(withLength16(name))]));
  }
  if (parts.protocols !== undefined) {
    const names = parts.protocols.map(name =>
      Buffer.from(`${String.fromCharCode(name.length)}${name}`, 'latin1'),
    );
    extensions.push(Buffer.concat([u16(16), withLength16(withLength16(Buffer.concat(names)))]));
  }
  const body = Buffer.concat([
    u16(0x0303),
    Buffer.alloc(32, 7),
    Buffer.from([parts.sessionId ?? 0]),
    Buffer.alloc(parts.sessionId ?? 0, 1),
    withLength16(Buffer.concat([u16(0x1301), u16(0x1302)])),
    Buffer.from([1, 0]),
    withLength16(Buffer.concat(extensions)),
  ]);
  const message = Buffer.concat([Buffer.from([1, 0]), withLength16(body)]);
  const records: Buffer[] = [];
  const size = parts.recordBytes ?? message.length;
  for (let at = 0; at < message.length; at += size) {
    records.push(Buffer.from([0x16, 3, 1]), withLength16(message.subarray(at, at + size)));
  }
  return Buffer.concat(records);
}
