// Logins that belong to the connection and not to the request: RFC 4559 section 6, [MS-NTHT], and Microsoft's siblings of them.
import { equalsIgnoreCase } from './bytes.ts';

const schemes = ['ntlm', 'negotiate', 'nego2', 'kerberos'].map(name => Buffer.from(name, 'latin1'));
const COMMA = 0x2c;
const LONGEST = Math.max(...schemes.map(({ length }) => length));

/**
 * Whether credentials or a list of challenges name a scheme that logs in the connection. Quotes are not looked at: of two
 * readings of a broken list the one that keeps a connection to its client is safe.
 */
export function namesConnectionLogin(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    while (at < end && (isBlank(bytes[at]!) || bytes[at] === COMMA)) at++;
    let wordEnd = at;
    while (wordEnd < end && wordEnd - at <= LONGEST && !isBlank(bytes[wordEnd]!) && bytes[wordEnd] !== COMMA)
      wordEnd++;
    if (wordEnd - at <= LONGEST)
      for (let i = 0; i < schemes.length; i++)
        if (equalsIgnoreCase(bytes, at, wordEnd, schemes[i]!)) return true;
    // A scheme stands at the beginning or behind a comma: nothing of a token, which every request carries, is worth a second
    // look.
    at = wordEnd;
    while (at < end && bytes[at] !== COMMA) at++;
  }
  return false;
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x09;
}
