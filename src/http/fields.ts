import { equalsIgnoreCase, mergesWith } from './bytes.ts';

/** Integers per field in `Fields.slots`. */
const STRIDE = 5;
const NAME_START = 0;
const NAME_END = 1;
const VALUE_START = 2;
const VALUE_END = 3;
/** Where the line ends, CRLF included; negative when the field is removed. */
const LINE_END = 4;

const usualHeaders = 32;

/**
 * Header or trailer fields as byte ranges, with edits beside them. Names, order, case and spacing of what is not edited go
 * through byte for byte. A head is fields with a first line before them; trailers are fields alone.
 *
 * Every codec lays them out in `bytes` as HTTP/1 writes them: `name: value` and CRLF for each, then an empty line. What nobody
 * edits is thus one copy for HTTP/1, and whoever writes something else reads the ranges.
 *
 * Fields that were parsed point into a buffer that is about to be reused: `retain` or `copy` where they must live on.
 */
export class Fields {
  bytes: Buffer = empty;
  /** The range of all of it in `bytes`: up to after the empty line. */
  start = 0;
  end = 0;
  /** Where the lines begin. */
  headersStart = 0;

  count = 0;
  slots: Int32Array;
  /** What a codec has noted of each name, for whoever writes it: a number of its own, 0 for nothing. Made by the first. */
  #nameIds: Uint8Array | undefined;
  /** Fields to send after the received ones: the first `addedCount`. What is behind them is of earlier messages. */
  readonly addedNames: Buffer[] = [];
  readonly addedValues: Buffer[] = [];
  addedCount = 0;
  /** What they take on the wire, about: with four bytes for each, as HTTP/1 writes it. */
  addedBytes = 0;
  removedAny = false;
  #own: Buffer | undefined;

  /** `room`: for how many fields; it grows. */
  constructor(room = usualHeaders) {
    this.slots = new Int32Array(room * STRIDE);
  }

  /** Fields that nobody has sent: what is added to them is all there is. */
  static none(): Fields {
    const fields = new Fields(0);
    fields.bytes = emptyLine;
    fields.end = emptyLine.length;
    return fields;
  }

  /** Forgets everything but its buffers. */
  reset(bytes: Buffer, start: number): void {
    this.bytes = bytes;
    this.start = start;
    this.end = start;
    this.headersStart = start;
    this.count = 0;
    // Not emptied: that would give the array's memory back, only to ask for it again with the next message.
    this.addedCount = 0;
    this.addedBytes = 0;
    this.removedAny = false;
  }

  /** For parsers: appends one field and returns its index. `nameId`: what the codec wants to know of the name again. */
  push(
    nameStart: number,
    nameEnd: number,
    valueStart: number,
    valueEnd: number,
    lineEnd: number,
    nameId = 0,
  ): number {
    const index = this.count++;
    const at = index * STRIDE;
    if (at + STRIDE > this.slots.length) this.#grow();
    const slots = this.slots;
    slots[at + NAME_START] = nameStart;
    slots[at + NAME_END] = nameEnd;
    slots[at + VALUE_START] = valueStart;
    slots[at + VALUE_END] = valueEnd;
    slots[at + LINE_END] = lineEnd;
    if (nameId !== 0 || this.#nameIds !== undefined) this.#noteName(index, nameId);
    return index;
  }

  nameStart(index: number): number {
    return this.slots[index * STRIDE + NAME_START]!;
  }
  nameEnd(index: number): number {
    return this.slots[index * STRIDE + NAME_END]!;
  }
  valueStart(index: number): number {
    return this.slots[index * STRIDE + VALUE_START]!;
  }
  valueEnd(index: number): number {
    return this.slots[index * STRIDE + VALUE_END]!;
  }
  /** What its codec has noted of the name; 0 for nothing. */
  nameId(index: number): number {
    return this.#nameIds === undefined ? 0 : this.#nameIds[index]!;
  }
  lineEnd(index: number): number {
    return Math.abs(this.slots[index * STRIDE + LINE_END]!);
  }
  isRemoved(index: number): boolean {
    return this.slots[index * STRIDE + LINE_END]! < 0;
  }

  /** Takes the field out of what is sent on. */
  remove(index: number): void {
    const at = index * STRIDE + LINE_END;
    const lineEnd = this.slots[at]!;
    if (lineEnd < 0) return;
    this.slots[at] = -lineEnd;
    this.removedAny = true;
  }

  /**
   * For parsers: takes `length` bytes behind the field's name out, by moving what is before them. `bytes` must be free to be
   * changed.
   */
  closeGap(index: number, length: number): void {
    this.bytes.copyWithin(this.start + length, this.start, this.nameEnd(index));
    this.start += length;
    this.headersStart += length;
    const { slots } = this;
    const at = index * STRIDE;
    for (let i = 0; i < at; i++) slots[i] = slots[i]! < 0 ? slots[i]! - length : slots[i]! + length;
    slots[at + NAME_START] = slots[at + NAME_START]! + length;
    slots[at + NAME_END] = slots[at + NAME_END]! + length;
  }

  /** Puts a value in place of the field's, which is no shorter; `bytes` must be free to be changed. Blanks fill its place. */
  shorten(index: number, value: Buffer): void {
    const start = this.valueStart(index);
    const end = this.valueEnd(index);
    this.bytes.fill(0x20, start, end);
    value.copy(this.bytes, start);
    this.slots[index * STRIDE + VALUE_END] = start + value.length;
  }

  /** Puts a removed field back. */
  restore(index: number): void {
    const at = index * STRIDE + LINE_END;
    this.slots[at] = Math.abs(this.slots[at]!);
  }

  /**
   * Adds a field after the received ones. Both are kept, not copied, and must be valid HTTP: nobody checks them again. How a
   * field is written is the codec's business.
   */
  add(name: Buffer, value: Buffer): void {
    this.addedNames[this.addedCount] = name;
    this.addedValues[this.addedCount++] = value;
    this.addedBytes += name.length + value.length + 4;
  }

  /** Takes every field of this name (lowercase bytes) out, received or added before. */
  removeAll(lower: Uint8Array): void {
    for (let index = this.find(lower); index >= 0; index = this.find(lower, index + 1)) this.remove(index);
    for (let i = this.addedCount - 1; i >= 0; i--) {
      const name = this.addedNames[i]!;
      if (!equalsIgnoreCase(name, 0, name.length, lower)) continue;
      this.addedNames.splice(i, 1);
      const [value] = this.addedValues.splice(i, 1);
      this.addedCount--;
      this.addedBytes -= name.length + value!.length + 4;
    }
  }

  /** Takes every received field out that servers may take for this name (lowercase bytes), and every added one of the name. */
  removeSpellings(lower: Uint8Array): void {
    for (let i = 0; i < this.count; i++)
      if (mergesWith(this.bytes, this.nameStart(i), this.nameEnd(i), lower)) this.remove(i);
    if (this.addedCount > 0) this.removeAll(lower);
  }

  /** Puts one field in place of every field of this name (lowercase bytes). As for `add`, nobody checks its bytes again. */
  set(lower: Buffer, value: Buffer): void {
    this.removeAll(lower);
    this.add(lower, value);
  }

  /** Whether a field of this name (lowercase bytes) will be sent, received or added. */
  has(lower: Uint8Array): boolean {
    if (this.find(lower) >= 0) return true;
    for (let i = 0; i < this.addedCount; i++) {
      const name = this.addedNames[i]!;
      if (equalsIgnoreCase(name, 0, name.length, lower)) return true;
    }
    return false;
  }

  /** The value of the first field of this name (lowercase bytes) that was added; '' for none. */
  addedText(lower: Uint8Array): string {
    for (let i = 0; i < this.addedCount; i++) {
      const name = this.addedNames[i]!;
      if (equalsIgnoreCase(name, 0, name.length, lower)) return this.addedValues[i]!.toString('latin1');
    }
    return '';
  }

  /** Index of the first field that is not removed and whose name is `lower` (lowercase bytes); -1 when there is none. */
  find(lower: Uint8Array, from = 0): number {
    for (let index = from; index < this.count; index++) {
      const at = index * STRIDE;
      if (this.slots[at + LINE_END]! < 0) continue;
      if (equalsIgnoreCase(this.bytes, this.slots[at + NAME_START]!, this.slots[at + NAME_END]!, lower))
        return index;
    }
    return -1;
  }

  /**
   * Calls `visit` with the value of every field of this name (lowercase bytes) that will be sent, received or added, until it
   * returns false. False when it did. The range is in the bytes that it comes with.
   */
  eachValue(lower: Uint8Array, visit: (bytes: Buffer, start: number, end: number) => boolean): boolean {
    for (let index = this.find(lower); index >= 0; index = this.find(lower, index + 1))
      if (!visit(this.bytes, this.valueStart(index), this.valueEnd(index))) return false;
    for (let i = 0; i < this.addedCount; i++) {
      const name = this.addedNames[i]!;
      const value = this.addedValues[i]!;
      if (equalsIgnoreCase(name, 0, name.length, lower) && !visit(value, 0, value.length)) return false;
    }
    return true;
  }

  /** The field's value as text (latin1); '' for index -1. */
  text(index: number): string {
    return index < 0 ? '' : this.bytes.toString('latin1', this.valueStart(index), this.valueEnd(index));
  }

  /** The field's name as received. */
  name(index: number): string {
    return this.bytes.toString('latin1', this.nameStart(index), this.nameEnd(index));
  }

  /** A copy with its edits that shares nothing with this one, for what is sent a second time on its own, or later. */
  copy(): Fields {
    const copy = new Fields();
    copy.copyFrom(this);
    return copy;
  }

  /** Moves them into a buffer of their own, so that they outlive the event they were read in. */
  retain(): void {
    const length = this.end - this.start;
    if (this.#own !== undefined && this.bytes === this.#own) return;
    if (this.#own === undefined || this.#own.length < length)
      this.#own = Buffer.allocUnsafeSlow(Math.max(1024, length));
    this.bytes.copy(this.#own, 0, this.start, this.end);
    this.#moveToFront();
    this.bytes = this.#own;
  }

  /** Lets go of the retained bytes, for connections that wait long for their next message. */
  release(): void {
    this.#own = undefined;
    this.bytes = empty;
    this.addedNames.length = 0;
    this.addedValues.length = 0;
    this.addedCount = 0;
    this.count = 0;
  }

  protected copyFrom(other: Fields): void {
    const { addedNames, addedValues } = this;
    const own = Buffer.from(other.bytes.subarray(other.start, other.end));
    Object.assign(this, other, { addedNames, addedValues, slots: other.slots.slice() });
    this.#nameIds = other.#nameIds?.slice();
    this.#moveToFront();
    this.bytes = own;
    this.#own = own;
    for (let i = 0; i < this.addedCount; i++) {
      addedNames.push(other.addedNames[i]!);
      addedValues.push(other.addedValues[i]!);
    }
  }

  /** All offsets are by so much smaller now. `by` is above 0. */
  protected moveBack(by: number): void {
    this.start -= by;
    this.end -= by;
    this.headersStart -= by;
    const slots = this.slots;
    for (let at = 0; at < this.count * STRIDE; at++)
      slots[at] = slots[at]! < 0 ? slots[at]! + by : slots[at]! - by;
  }

  /**
   * Its first byte is now at 0. The distance is subtracted, never negated: a head mostly begins at 0, and -0 is no small integer
   * to V8, which then keeps all offsets as doubles and allocates one for every step of every loop that begins at them.
   */
  #moveToFront(): void {
    if (this.start > 0) this.moveBack(this.start);
  }

  #noteName(index: number, id: number): void {
    let ids = this.#nameIds;
    if (ids === undefined || index >= ids.length) {
      ids = new Uint8Array(this.slots.length / STRIDE);
      if (this.#nameIds !== undefined) ids.set(this.#nameIds);
      this.#nameIds = ids;
    }
    ids[index] = id;
  }

  #grow(): void {
    const larger = new Int32Array(this.slots.length * 2);
    larger.set(this.slots);
    this.slots = larger;
  }
}

const empty = Buffer.alloc(0);
/** Behind the last field, as HTTP/1 has it. */
const emptyLine = Buffer.from([0x0d, 0x0a]);
