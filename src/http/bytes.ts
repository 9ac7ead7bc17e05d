// Character classes of RFC 9110 and RFC 9112 as lookup tables, and comparisons on byte ranges.

function table(accept: (code: number) => boolean): Uint8Array {
  const flags = new Uint8Array(256);
  for (let code = 0; code < 256; code++) flags[code] = accept(code) ? 1 : 0;
  return flags;
}

const tokenExtra = new Set([...Buffer.from("!#$%&'*+-.^_`|~", 'latin1')]);
const isAlpha = (code: number): boolean => (code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a;
const hyphen = 0x2d;
const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;

/** tchar: what methods and header names are made of. */
export const TOKEN = table(code => isAlpha(code) || isDigit(code) || tokenExtra.has(code));
/** Bytes of a field value: HTAB, SP, visible ASCII and obs-text; no other control character, no DEL. */
export const FIELD = table(code => code === 0x09 || (code >= 0x20 && code !== 0x7f));
/**
 * Bytes of a request target: visible ASCII without `#`, and what is no ASCII. RFC 3986 has no place for the latter, but browsers,
 * curl and scripts send UTF-8 as it was typed, servers take it, and it decides neither where a message ends nor where it goes.
 * Not 0xff, which is in no UTF-8 and which llhttp refuses.
 */
export const TARGET = table(code => code > 0x20 && code < 0xff && code !== 0x7f && code !== 0x23);
/** Bytes of a Host value: what a URI's authority may hold, without user information. */
export const AUTHORITY = table(
  code => isAlpha(code) || isDigit(code) || [...Buffer.from("-._~!$&'()*+,;=:[]%", 'latin1')].includes(code),
);

/** Whether `bytes[start, end)` is `lower` (ASCII, lowercase), letters in any case. */
export function equalsIgnoreCase(bytes: Uint8Array, start: number, end: number, lower: Uint8Array): boolean {
  if (end - start !== lower.length) return false;
  for (let i = 0; i < lower.length; i++) {
    let code = bytes[start + i]!;
    if (code >= 0x41 && code <= 0x5a) code |= 0x20;
    if (code !== lower[i]) return false;
  }
  return true;
}

/**
 * Whether servers that keep headers as variables (CGI, WSGI, PHP, older Apache) take the name `bytes[start, end)` for `lower`:
 * they make an underscore of each hyphen, some of them of every character that is neither a letter nor a digit.
 */
export function mergesWith(bytes: Uint8Array, start: number, end: number, lower: Uint8Array): boolean {
  if (end - start !== lower.length) return false;
  for (let i = 0; i < lower.length; i++) {
    let code = bytes[start + i]!;
    if (code >= 0x41 && code <= 0x5a) code |= 0x20;
    if (code !== lower[i] && (lower[i] !== hyphen || isAlpha(code) || isDigit(code))) return false;
  }
  return true;
}

/** Calls `visit` with each comma-separated, trimmed, non-empty element of `bytes[start, end)`; stops when it returns false. */
export function eachToken(
  bytes: Uint8Array,
  start: number,
  end: number,
  visit: (start: number, end: number) => boolean,
): boolean {
  let i = start;
  while (i <= end) {
    let stop = i;
    while (stop < end && bytes[stop] !== 0x2c) stop++;
    let from = i;
    let to = stop;
    while (from < to && (bytes[from] === 0x20 || bytes[from] === 0x09)) from++;
    while (to > from && (bytes[to - 1] === 0x20 || bytes[to - 1] === 0x09)) to--;
    if (to > from && !visit(from, to)) return false;
    i = stop + 1;
  }
  return true;
}
