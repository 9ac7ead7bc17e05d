// The words of a status, as the field `grpc-message` holds them: UTF-8 with percent signs for what is no visible ASCII
// (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md).

/** The field's name. */
export const GRPC_MESSAGE: Buffer = Buffer.from('grpc-message', 'latin1');

/** Every byte that is neither visible ASCII nor a blank, and the percent sign itself, as `%XX`. */
export function encodeMessage(text: string): string {
  let encoded = '';
  for (const byte of Buffer.from(text, 'utf8'))
    encoded +=
      byte < 0x20 || byte > 0x7e || byte === 0x25
        ? `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
        : String.fromCharCode(byte);
  return encoded;
}

/** The other way round. What is no `%XX` stands for itself, as the protocol asks of whoever reads it. */
export function decodeMessage(encoded: string): string {
  if (!encoded.includes('%')) return encoded;
  const bytes: number[] = [];
  const source = Buffer.from(encoded, 'latin1');
  for (let i = 0; i < source.length; i++) {
    const hex = source[i] === 0x25 ? source.toString('latin1', i + 1, i + 3) : '';
    const escaped = /^[\da-f]{2}$/i.test(hex);
    bytes.push(escaped ? Number.parseInt(hex, 16) : source[i]!);
    if (escaped) i += 2;
  }
  return Buffer.from(bytes).toString('utf8');
}
