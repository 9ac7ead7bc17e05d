import { AUTHORITY, FIELD, TARGET, TOKEN } from '../http/index.ts';

/** What the bytes of a name or a value are not, as bits: zero is good for everything. */
export const NOT = {
  /** An uppercase letter is among them (RFC 9113 section 8.2.1). */
  LOWERCASE: 1,
  /** Not a token: no name of a field. */
  TOKEN: 2,
  /** Not a field value: NUL, CR, LF or another control character. */
  FIELD: 4,
  /** Not a request target: a blank, `#`, a control character. */
  TARGET: 8,
  /** Not a URI's authority without user information. */
  AUTHORITY: 16,
  /** Not decimal digits. */
  DIGITS: 32,
} as const;

/** The bits of NOT for each byte; a string has those of all its bytes. */
export const BYTE_CLASS: Uint8Array = (() => {
  const flags = new Uint8Array(256);
  for (let code = 0; code < 256; code++) {
    flags[code] =
      (code >= 0x41 && code <= 0x5a ? NOT.LOWERCASE : 0) |
      (TOKEN[code] === 1 ? 0 : NOT.TOKEN) |
      (FIELD[code] === 1 ? 0 : NOT.FIELD) |
      (TARGET[code] === 1 ? 0 : NOT.TARGET) |
      (AUTHORITY[code] === 1 ? 0 : NOT.AUTHORITY) |
      (code >= 0x30 && code <= 0x39 ? 0 : NOT.DIGITS);
  }
  return flags;
})();

/** The class of `bytes[start, end)`. */
export function classOf(bytes: Uint8Array, start: number, end: number): number {
  let flags = 0;
  for (let i = start; i < end; i++) flags |= BYTE_CLASS[bytes[i]!]!;
  return flags;
}
