// Encodes header fields (RFC 7541). Towards apps without any state: no table, nothing that could be evicted at the wrong moment,
// no memory. Towards another Weft, whose requests repeat, with a table. docs/decisions/http2.md has what each costs.
import { EncoderTable } from './encoder-table.ts';
import { copy } from './field-list.ts';
import { encodeHuffman, huffmanLength } from './huffman.ts';
import { writeInteger } from './integer.ts';
import { KNOWN_NAMES, NAME, STATIC_COUNT } from './static-table.ts';

/** What a field can take more than its name and its value: a byte for what it is and two integers. */
export const FIELD_OVERHEAD = 16;
/** Before the fields: two sizes of the table. */
export const BEGIN_BYTES = 16;

const LITERAL = 0x00;
const NEVER = 0x10;
const INDEXING = 0x40;
const INDEXED = 0x80;
const SIZE = 0x20;
const HUFFMAN = 0x80;
/** What both sides assume before they have said anything. */
const initialTableBytes = 4096;

/** Names whose values are secrets: in no table, on no hop (RFC 7541 section 7.1.3). */
const secret = new Uint8Array(256);
for (const id of [NAME.AUTHORIZATION, NAME.PROXY_AUTHORIZATION, NAME.SET_COOKIE]) secret[id] = 1;
/** A cookie this short can be guessed where it is in a table; the number is nghttp2's. */
const guessableCookieBytes = 20;

/** Whether this encoder never indexes such a field by itself: its name alone says that it is a secret. */
export function isSecret(id: number, valueLength: number): boolean {
  return secret[id] === 1 || (id === NAME.COOKIE && valueLength < guessableCookieBytes);
}

/** How the encoder of a connection is set up. */
export interface EncoderOptions {
  /** Bytes of its table, as far as the peer allows; 0 for none. */
  readonly tableBytes: number;
  /** Whether values go in Huffman's code where that is shorter. */
  readonly huffman: boolean;
}

/** For apps. */
export const STATELESS: EncoderOptions = { tableBytes: 0, huffman: false };

/** The encoding side of one connection. Every method writes at `at`, where there must be room, and returns what is after it. */
export class Encoder {
  readonly #wantedBytes: number;
  readonly #huffman: boolean;
  readonly #table: EncoderTable | undefined;
  /** The size that the peer knows. */
  #told = initialTableBytes;
  /** The smallest and the last size since the last block, which it must be told; -1 for none. */
  #smallest = -1;
  #last = -1;

  constructor({ tableBytes, huffman }: EncoderOptions) {
    this.#wantedBytes = tableBytes;
    this.#huffman = huffman;
    if (tableBytes === 0) return;
    this.#table = new EncoderTable(Math.min(tableBytes, initialTableBytes));
    if (tableBytes < initialTableBytes) this.#change(tableBytes);
  }

  /** The peer's SETTINGS_HEADER_TABLE_SIZE. Without a table of ours a smaller one must be confirmed all the same. */
  allow(limit: number): void {
    const now = this.#last < 0 ? this.#told : this.#last;
    this.#change(Math.min(limit, this.#table === undefined ? now : this.#wantedBytes));
  }

  #change(size: number): void {
    if (size === (this.#last < 0 ? this.#told : this.#last)) return;
    this.#smallest = this.#smallest < 0 ? size : Math.min(this.#smallest, size);
    this.#last = size;
    this.#table?.resize(size);
  }

  /** At the beginning of each block: what the peer must know of the table. BEGIN_BYTES at most. */
  begin(out: Buffer, at: number): number {
    if (this.#last < 0) return at;
    let to = at;
    if (this.#smallest < this.#last) to = writeInteger(out, to, SIZE, 5, this.#smallest);
    to = writeInteger(out, to, SIZE, 5, this.#last);
    this.#told = this.#last;
    this.#smallest = -1;
    this.#last = -1;
    return to;
  }

  /** `:status`; five bytes at most. */
  status(out: Buffer, at: number, status: number): number {
    const index = STATUS_INDEX[status] ?? 0;
    if (index > 0) return this.indexed(out, at, index);
    out[at] = NAME.STATUS;
    out[at + 1] = 3;
    out[at + 2] = 0x30 + ((status / 100) | 0);
    out[at + 3] = 0x30 + (((status / 10) | 0) % 10);
    out[at + 4] = 0x30 + (status % 10);
    return at + 5;
  }

  /** A whole entry of the static table; one byte. */
  indexed(out: Buffer, at: number, index: number): number {
    out[at] = INDEXED | index;
    return at + 1;
  }

  /** A field whose name is in NAME. */
  named(out: Buffer, at: number, id: number, value: Uint8Array, start: number, end: number): number {
    const name = KNOWN_NAMES[id]!;
    return this.field(out, at, id, name, 0, name.length, value, start, end, false);
  }

  /**
   * A field of any name, which is written in lower case; `id` is its NAME. `never`: it came as never indexed, and stays so (RFC
   * 7541 section 6.2.3). Name, value and FIELD_OVERHEAD at most.
   */
  field(
    out: Buffer,
    at: number,
    id: number,
    name: Uint8Array,
    nameStart: number,
    nameEnd: number,
    value: Uint8Array,
    start: number,
    end: number,
    never: boolean,
  ): number {
    const table = this.#table;
    let first = LITERAL;
    if (never || isSecret(id, end - start)) first = NEVER;
    else if (table !== undefined) {
      const age = table.find(id, name, nameStart, nameEnd, value, start, end);
      if (age >= 0) return writeInteger(out, at, INDEXED, 7, STATIC_COUNT + 1 + age);
      if (table.admit(name, nameStart, nameEnd, value, start, end)) first = INDEXING;
    }
    let to: number;
    if (id !== NAME.OTHER && id <= STATIC_COUNT)
      to = writeInteger(out, at, first, first === INDEXING ? 6 : 4, id);
    else {
      out[at] = first;
      to = writeName(out, at + 1, name, nameStart, nameEnd);
    }
    return this.#value(out, to, value, start, end);
  }

  #value(out: Buffer, at: number, value: Uint8Array, start: number, end: number): number {
    const length = end - start;
    if (this.#huffman) {
      const shorter = huffmanLength(value, start, end);
      if (shorter < length)
        return encodeHuffman(value, start, end, out, writeInteger(out, at, HUFFMAN, 7, shorter));
    }
    const to = writeInteger(out, at, 0, 7, length);
    copy(value, start, end, out, to);
    return to + length;
  }
}

function writeName(out: Buffer, at: number, name: Uint8Array, start: number, end: number): number {
  let to = writeInteger(out, at, 0, 7, end - start);
  for (let i = start; i < end; i++) {
    const code = name[i]!;
    out[to++] = code >= 0x41 && code <= 0x5a ? code | 0x20 : code;
  }
  return to;
}

/** The static table's entry for a whole `:status`. */
const STATUS_INDEX: Readonly<Record<number, number>> = {
  200: 8,
  204: 9,
  206: 10,
  304: 11,
  400: 12,
  404: 13,
  500: 14,
};
