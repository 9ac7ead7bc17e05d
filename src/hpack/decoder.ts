// Decodes blocks of header fields (RFC 7541). What is wrong with the coding ends the connection; what is wrong with a field is
// left to whoever makes a message of the fields, since the table stays in step.
import { classOf } from './byte-class.ts';
import { DynamicTable } from './dynamic-table.ts';
import { copy, type FieldList, infoOf, NEVER_INDEXED, nameFlags, writeColon } from './field-list.ts';
import { decoded, decodeHuffman } from './huffman.ts';
import { read, readInteger, TOO_LARGE, TRUNCATED } from './integer.ts';
import { KNOWN_NAMES, nameId, STATIC_COUNT, STATIC_FIELDS } from './static-table.ts';

/** What ends a block early; each is a COMPRESSION_ERROR of the connection. Zero is none. */
export const HPACK_FAULT = {
  /** The block ends in the middle of a field. */
  TRUNCATED,
  /** An integer above 2^31 - 1 or of more than five octets. */
  INTEGER: TOO_LARGE,
  /** An index of no entry, or 0. */
  INDEX: -3,
  /** EOS or bad padding in a Huffman code. */
  HUFFMAN: -4,
  /** A size of the table that is above what we allow, not at the block's beginning, missing, or the third of its block. */
  TABLE_SIZE: -5,
} as const;

/** The words of a fault. */
export function hpackWords(fault: number): string {
  switch (fault) {
    case HPACK_FAULT.TRUNCATED:
      return 'a header block ends in the middle of a field';
    case HPACK_FAULT.INTEGER:
      return 'a header block holds an integer that is too large';
    case HPACK_FAULT.INDEX:
      return 'a header block refers to an entry that is not there';
    case HPACK_FAULT.HUFFMAN:
      return 'a header block holds a broken Huffman code';
    default:
      return 'a header block sets the table to a size that is not allowed, or at a place where it may not';
  }
}

/** The lines of the static table, one after the other, where each begins, and what is known of it. */
const staticLines = Buffer.from(
  STATIC_FIELDS.map(([name, value]) => `${name}: ${value}\r\n`).join(''),
  'latin1',
);
const staticOffsets = new Int32Array(STATIC_COUNT + 2);
const staticNameLengths = new Int32Array(STATIC_COUNT + 1);
const staticInfo = new Int32Array(STATIC_COUNT + 1);
STATIC_FIELDS.forEach(([name, value], index) => {
  const start = staticOffsets[index + 1]!;
  const nameEnd = start + name.length;
  staticOffsets[index + 2] = nameEnd + value.length + 4;
  staticNameLengths[index + 1] = name.length;
  staticInfo[index + 1] = infoOf(
    nameId(staticLines, start, nameEnd),
    classOf(staticLines, start, nameEnd),
    classOf(staticLines, nameEnd + 2, nameEnd + 2 + value.length),
  );
});
if (KNOWN_NAMES.length > 0xff) throw new Error('a name has a number of one byte');

/** The decoding side of one connection. */
export class Decoder {
  readonly #table: DynamicTable;
  /** What we allow, in bytes: our SETTINGS_HEADER_TABLE_SIZE once the peer has acknowledged it. */
  #limit: number;
  #mustUpdate = false;
  #at = 0;
  /** NOT flags of the string that was read last. */
  #flags = 0;

  constructor(limit = 4096) {
    this.#limit = limit;
    this.#table = new DynamicTable(limit);
  }

  /** Bytes of its table, as the RFC counts them. */
  get tableSize(): number {
    return this.#table.size;
  }

  /** The peer has acknowledged another SETTINGS_HEADER_TABLE_SIZE; a smaller one it must confirm in its next block. */
  allow(limit: number): void {
    this.#limit = limit;
    if (limit < this.#table.capacity) this.#mustUpdate = true;
  }

  /** Appends the fields of the block `bytes[start, end)` to `list`. 0, or an HPACK_FAULT after which nothing can be decoded. */
  decode(bytes: Buffer, start: number, end: number, list: FieldList): number {
    let updates = 0;
    let i = start;
    while (i < end) {
      const first = bytes[i]!;
      if (first < 0x40 && first >= 0x20) {
        if (list.fields > 0 || ++updates > 2) return HPACK_FAULT.TABLE_SIZE;
        const size = readInteger(bytes, i, end, 5);
        if (size < 0) return size;
        if (size > this.#limit) return HPACK_FAULT.TABLE_SIZE;
        this.#table.resize(size);
        this.#mustUpdate = false;
        i = read.next;
        continue;
      }
      if (this.#mustUpdate) return HPACK_FAULT.TABLE_SIZE;
      if (first >= 0x80) {
        const index = readInteger(bytes, i, end, 7);
        if (index < 0) return index;
        if (!this.#addIndexed(index, list)) return HPACK_FAULT.INDEX;
        i = read.next;
        continue;
      }
      const indexing = first >= 0x40;
      const index = readInteger(bytes, i, end, indexing ? 6 : 4);
      if (index < 0) return index;
      this.#at = read.next;
      const fault = this.#literal(bytes, end, list, index, indexing, !indexing && first >= 0x10);
      if (fault < 0) return fault;
      i = this.#at;
    }
    return 0;
  }

  #addIndexed(index: number, list: FieldList): boolean {
    if (index <= STATIC_COUNT) {
      if (index === 0) return false;
      const start = staticOffsets[index]!;
      const length = staticOffsets[index + 1]! - start;
      list.addLine(staticLines, start, length, staticNameLengths[index]!, staticInfo[index]!);
      return true;
    }
    const table = this.#table;
    const age = index - STATIC_COUNT - 1;
    if (age >= table.count) return false;
    const place = table.place(age);
    const nameLength = table.nameLength(place);
    const length = nameLength + table.valueLength(place) + 4;
    list.addLine(table.bytes, table.offset(place), length, nameLength, table.info(place));
    return true;
  }

  #literal(
    bytes: Buffer,
    end: number,
    list: FieldList,
    index: number,
    indexing: boolean,
    never: boolean,
  ): number {
    const nameStart = list.used;
    let nameEnd: number;
    let id: number;
    let ofName: number;
    if (index === 0) {
      nameEnd = this.#string(bytes, end, list, nameStart);
      if (nameEnd < 0) return nameEnd;
      ofName = this.#flags;
      id = nameId(list.bytes, nameStart, nameEnd);
    } else {
      const info = this.#copyName(index, list, nameStart);
      if (info < 0) return HPACK_FAULT.INDEX;
      nameEnd = nameStart + this.#nameLength;
      ofName = nameFlags(info);
      id = info & 0xff;
    }
    list.ensure(nameEnd, 4);
    const valueStart = writeColon(list.bytes, nameEnd);
    const valueEnd = this.#string(bytes, end, list, valueStart);
    if (valueEnd < 0) return valueEnd;
    const info = infoOf(id, ofName, this.#flags);
    if (indexing) this.#table.insert(list.bytes, nameStart, nameEnd, list.bytes, valueStart, valueEnd, info);
    list.addWritten(nameEnd, valueEnd, never ? info | NEVER_INDEXED : info);
    return 0;
  }

  #nameLength = 0;

  /** Copies the name of an entry to the list at `at`; its info, or -1 where there is no such entry. */
  #copyName(index: number, list: FieldList, at: number): number {
    if (index <= STATIC_COUNT) {
      const length = staticNameLengths[index]!;
      list.ensure(at, length + 4);
      const start = staticOffsets[index]!;
      copy(staticLines, start, start + length, list.bytes, at);
      this.#nameLength = length;
      return staticInfo[index]!;
    }
    const table = this.#table;
    const age = index - STATIC_COUNT - 1;
    if (age >= table.count) return -1;
    const place = table.place(age);
    const length = table.nameLength(place);
    const start = table.offset(place);
    list.ensure(at, length + 4);
    copy(table.bytes, start, start + length, list.bytes, at);
    this.#nameLength = length;
    return table.info(place);
  }

  /** Reads a string (section 5.2) to the list's bytes at `at`; the offset after it, or a fault. */
  #string(bytes: Buffer, end: number, list: FieldList, at: number): number {
    const start = this.#at;
    if (start >= end) return HPACK_FAULT.TRUNCATED;
    const isHuffman = bytes[start]! >= 0x80;
    const length = readInteger(bytes, start, end, 7);
    if (length < 0) return length;
    const from = read.next;
    const to = from + length;
    if (to > end) return HPACK_FAULT.TRUNCATED;
    this.#at = to;
    if (isHuffman) {
      // Five bits are the shortest code; behind the string come a colon and a blank, or CRLF.
      list.ensure(at, ((length * 8) / 5 + 8) | 0);
      const after = decodeHuffman(bytes, from, to, list.bytes, at);
      this.#flags = decoded.flags;
      return after < 0 ? HPACK_FAULT.HUFFMAN : after;
    }
    list.ensure(at, length + 8);
    copy(bytes, from, to, list.bytes, at);
    this.#flags = classOf(bytes, from, to);
    return at + length;
  }
}
