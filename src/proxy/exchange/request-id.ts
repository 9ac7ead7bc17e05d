import { randomFillSync } from 'node:crypto';

const name = Buffer.from('x-request-id: ', 'latin1');
const hex = '0123456789abcdef';
const random = Buffer.allocUnsafeSlow(16 * 256);
let used = random.length;

/** An `x-request-id` line with a random UUID (RFC 9562 version 4). The random bytes come 256 at a time. */
export function requestIdLine(): Buffer {
  if (used === random.length) {
    randomFillSync(random);
    used = 0;
  }
  const line = Buffer.allocUnsafe(name.length + 38);
  let at = name.copy(line);
  for (let i = 0; i < 16; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) line[at++] = 0x2d;
    let byte = random[used++]!;
    if (i === 6) byte = (byte & 0x0f) | 0x40;
    else if (i === 8) byte = (byte & 0x3f) | 0x80;
    line[at++] = hex.charCodeAt(byte >> 4);
    line[at++] = hex.charCodeAt(byte & 15);
  }
  line[at++] = 0x0d;
  line[at] = 0x0a;
  return line;
}
