// What a block of header fields decodes to: the lines of HTTP/1, one after the other, in one buffer, and beside them for each
// where its name and its value are, what its name is and what its bytes are not. A codec makes a Head of it without copying.
import { NAME } from './static-table.ts';

/** Integers per field in `FieldList.slots`. */
const STRIDE = 5;
/** Bytes that stay free before the first line, for whoever makes a start line of it. */
export const FRONT_BYTES = 64;
const initialBytes = 8 * 1024;
/** A buffer that one block made larger than this is not kept. */
const keptBytes = 64 * 1024;
const COLON = 0x3a;
const SP = 0x20;
const HTAB = 0x09;
const CR = 0x0d;
const LF = 0x0a;
const SEMICOLON = 0x3b;
const CRUMB_INFO = NAME.COOKIE;

/** In `info`: the name is HPACK's "never indexed". */
export const NEVER_INDEXED: number = 1 << 24;

/** The number of a field's name (NAME), from its info. */
export function idOf(info: number): number {
  return info & 0xff;
}
/** The NOT flags of a field's name. */
export function nameFlags(info: number): number {
  return (info >>> 8) & 0xff;
}
/** The NOT flags of a field's value. */
export function valueFlags(info: number): number {
  return (info >>> 16) & 0xff;
}
/** Number and flags of a field in one integer. */
export function infoOf(id: number, ofName: number, ofValue: number): number {
  return id | (ofName << 8) | (ofValue << 16);
}

/** The fields of one block. Reused for the next: one object serves all connections of a thread. */
export class FieldList {
  bytes: Buffer = Buffer.allocUnsafeSlow(initialBytes);
  /** After the last line. */
  used: number = FRONT_BYTES;
  count = 0;
  slots: Int32Array = new Int32Array(64 * STRIDE);
  /** What the peer sent, as RFC 9113 section 6.5.2 counts it: kept, dropped and joined fields alike. */
  size = 0;
  fields = 0;
  /** More was sent than the limits allow; what is beyond them is decoded, counted and forgotten. */
  over = false;
  /** It is their number that is beyond the limit. */
  tooMany = false;
  #maxBytes = 0;
  #maxFields = 0;

  /** Forgets the last block. The limits are those of SETTINGS_MAX_HEADER_LIST_SIZE, and a number of fields. */
  begin(maxBytes: number, maxFields: number): void {
    this.used = FRONT_BYTES;
    this.count = 0;
    this.size = 0;
    this.fields = 0;
    this.over = false;
    this.tooMany = false;
    this.#maxBytes = maxBytes;
    this.#maxFields = maxFields;
    if (this.bytes.length > keptBytes) this.bytes = Buffer.allocUnsafeSlow(initialBytes);
  }

  nameStart(index: number): number {
    return this.slots[index * STRIDE]!;
  }
  nameEnd(index: number): number {
    return this.slots[index * STRIDE + 1]!;
  }
  valueStart(index: number): number {
    return this.slots[index * STRIDE + 2]!;
  }
  valueEnd(index: number): number {
    return this.slots[index * STRIDE + 3]!;
  }
  /** See idOf, nameFlags, valueFlags and NEVER_INDEXED. */
  info(index: number): number {
    return this.slots[index * STRIDE + 4]!;
  }

  name(index: number): string {
    return this.bytes.toString('latin1', this.nameStart(index), this.nameEnd(index));
  }
  value(index: number): string {
    return this.bytes.toString('latin1', this.valueStart(index), this.valueEnd(index));
  }

  /** Moves a field's ranges, for who moves its bytes. */
  move(index: number, by: number): void {
    const at = index * STRIDE;
    for (let i = 0; i < 4; i++) this.slots[at + i] = this.slots[at + i]! + by;
  }

  /** Makes room for `length` bytes behind `at`. */
  ensure(at: number, length: number): void {
    if (at + length <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, at + length));
    this.bytes.copy(larger, 0, 0, at);
    this.bytes = larger;
  }

  /** Copies a whole line, `name: value` and CRLF, to the end. `nameLength` of it are the name. */
  addLine(line: Uint8Array, start: number, length: number, nameLength: number, info: number): void {
    const { used } = this;
    if (!this.#charge(length - 4)) return;
    this.ensure(used, length);
    copy(line, start, start + length, this.bytes, used);
    this.#push(used, used + nameLength, used + length - 2, info);
  }

  /** Takes on the line whose name is at `[used, nameEnd)` and whose value is behind the colon and blank that follow, to `end`. */
  addWritten(nameEnd: number, end: number, info: number): void {
    if (!this.#charge(end - this.used - 2)) return;
    this.bytes[end] = CR;
    this.bytes[end + 1] = LF;
    this.#push(this.used, nameEnd, end, info);
  }

  /** Appends a line of the codec's own, which is not counted; its index. */
  putLine(line: Uint8Array, nameLength: number, id: number): number {
    const { used } = this;
    this.ensure(used, line.length);
    copy(line, 0, line.length, this.bytes, used);
    this.#push(used, used + nameLength, used + line.length - 2, id);
    return this.count - 1;
  }

  #charge(bytes: number): boolean {
    this.size += bytes + 32;
    this.fields++;
    if (this.size <= this.#maxBytes && this.fields <= this.#maxFields) return !this.over;
    this.tooMany ||= !this.over && this.fields > this.#maxFields;
    this.over = true;
    return false;
  }

  #push(nameStart: number, nameEnd: number, lineEnd: number, info: number): void {
    const valueStart = nameEnd + 2;
    if ((info & 0xff) === NAME.COOKIE && this.#joinCrumb(valueStart, lineEnd, info)) return;
    const at = this.count++ * STRIDE;
    if (at + STRIDE > this.slots.length) this.#growSlots();
    const { slots, bytes } = this;
    let from = valueStart;
    let to = lineEnd;
    // RFC 9113 section 8.2.1 forbids blanks around values; others send them, and everybody means the value between them.
    while (from < to && (bytes[from] === SP || bytes[from] === HTAB)) from++;
    while (to > from && (bytes[to - 1] === SP || bytes[to - 1] === HTAB)) to--;
    slots[at] = nameStart;
    slots[at + 1] = nameEnd;
    slots[at + 2] = from;
    slots[at + 3] = to;
    slots[at + 4] = info;
    this.used = lineEnd + 2;
  }

  /** RFC 9113 section 8.2.3: crumbs of one Cookie become one again, where they follow each other without a copy of the first. */
  #joinCrumb(valueStart: number, lineEnd: number, info: number): boolean {
    const at = (this.count - 1) * STRIDE;
    if (this.count === 0 || (this.slots[at + 4]! & 0xff) !== CRUMB_INFO) return false;
    const { bytes, slots } = this;
    // Over the CRLF of the line before; the name of this one goes.
    const before = this.used - 2;
    bytes[before] = SEMICOLON;
    bytes[before + 1] = SP;
    bytes.copyWithin(this.used, valueStart, lineEnd);
    const end = this.used + lineEnd - valueStart;
    bytes[end] = CR;
    bytes[end + 1] = LF;
    slots[at + 3] = end;
    slots[at + 4] = slots[at + 4]! | info;
    this.used = end + 2;
    return true;
  }

  #growSlots(): void {
    const larger = new Int32Array(this.slots.length * 2);
    larger.set(this.slots);
    this.slots = larger;
  }
}

/** Writes the colon and the blank behind a name; the offset after them. */
export function writeColon(bytes: Uint8Array, at: number): number {
  bytes[at] = COLON;
  bytes[at + 1] = SP;
  return at + 2;
}

/** Short copies are faster in a loop than through the native call. */
export function copy(from: Uint8Array, start: number, end: number, to: Buffer, at: number): void {
  if (end - start > 64) {
    if (Buffer.isBuffer(from)) from.copy(to, at, start, end);
    else to.set(from.subarray(start, end), at);
    return;
  }
  for (let i = start, j = at; i < end; i++, j++) to[j] = from[i]!;
}
