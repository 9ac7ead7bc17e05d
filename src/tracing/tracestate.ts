// `tracestate` of W3C Trace Context, section 3.3: what vendors say about a trace. Weft says nothing there; it passes on what is
// well-formed.
import type { Head } from '../http/index.ts';

const maxMembers = 32;
const maxKeyLength = 256;
const maxValueLength = 256;
const COMMA = 0x2c;
const EQUALS = 0x3d;
const AT = 0x40;
const SP = 0x20;
const HTAB = 0x09;

/** Characters of keys: lower-case letters, digits, and `_-*` with the solidus. */
const KEY = new Uint8Array(256);
for (const code of Buffer.from('abcdefghijklmnopqrstuvwxyz0123456789_-*/', 'latin1')) KEY[code] = 1;

/** Whether the fields `name` of a request are, one after the other, a list that others can read. */
export function isTraceState(head: Head, name: Uint8Array): boolean {
  const keys = new Set<string>();
  for (let index = head.find(name); index >= 0; index = head.find(name, index + 1)) {
    if (!isList(head.bytes, head.valueStart(index), head.valueEnd(index), keys)) return false;
  }
  return true;
}

function isList(bytes: Buffer, start: number, end: number, keys: Set<string>): boolean {
  let at = start;
  while (at <= end) {
    let stop = at;
    while (stop < end && bytes[stop] !== COMMA) stop++;
    let from = at;
    let to = stop;
    while (from < to && isBlank(bytes[from]!)) from++;
    while (to > from && isBlank(bytes[to - 1]!)) to--;
    if (to > from) {
      const equals = keyEnd(bytes, from, to);
      if (equals < 0 || !isValue(bytes, equals + 1, to)) return false;
      const key = bytes.toString('latin1', from, equals);
      if (keys.has(key) || keys.size === maxMembers) return false;
      keys.add(key);
    }
    at = stop + 1;
  }
  return true;
}

function isBlank(code: number): boolean {
  return code === SP || code === HTAB;
}

/** Where the `=` after a key is; -1 when it is no key. Level 1 has `tenant@system`, level 2 any key with an `@` inside. */
function keyEnd(bytes: Buffer, start: number, end: number): number {
  let at = start;
  let ats = 0;
  while (at < end && bytes[at] !== EQUALS) {
    const code = bytes[at]!;
    if (code === AT && at > start) ats++;
    else if (KEY[code] !== 1) return -1;
    at++;
  }
  const length = at - start;
  const first = bytes[start]!;
  const begins = (first >= 0x61 && first <= 0x7a) || (first >= 0x30 && first <= 0x39);
  return at < end && begins && length <= maxKeyLength && ats <= 1 && bytes[at - 1] !== AT ? at : -1;
}

/** Printable characters but comma and `=`; the blanks at its end have been cut. */
function isValue(bytes: Buffer, start: number, end: number): boolean {
  if (end <= start || end - start > maxValueLength) return false;
  for (let at = start; at < end; at++) {
    const code = bytes[at]!;
    if (code < SP || code > 0x7e || code === EQUALS) return false;
  }
  return true;
}
