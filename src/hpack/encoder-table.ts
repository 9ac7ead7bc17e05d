import { hashBytes, mixHashes } from '../http/index.ts';
import { DynamicTable, ENTRY_OVERHEAD } from './dynamic-table.ts';
import { NAME } from './static-table.ts';

const bucketCount = 256;
const nameSeed = 0x5745_4654;
const lower = Buffer.allocUnsafeSlow(256);

/**
 * The table of an encoder, found by hash. A field is put in when it comes the second time: what changes with every request, ids
 * and lengths and times, never gets in, whatever it is called.
 */
export class EncoderTable {
  readonly #table: DynamicTable;
  /** By hash, the number of the entry that was put in last. */
  readonly #entries = new Int32Array(bucketCount).fill(-1);
  /** By hash, the hash that was seen last. */
  readonly #seen = new Int32Array(bucketCount);
  #hash = 0;

  constructor(capacity: number) {
    this.#table = new DynamicTable(capacity);
  }

  resize(capacity: number): void {
    this.#table.resize(capacity);
  }

  /** The age of the entry that is this field, 0 for the newest; -1 for none. */
  find(
    id: number,
    name: Uint8Array,
    nameStart: number,
    nameEnd: number,
    value: Uint8Array,
    start: number,
    end: number,
  ): number {
    const ofName = id === NAME.OTHER ? hashName(name, nameStart, nameEnd) : id;
    const hash = mixHashes(hashBytes(value, start, end, nameSeed), ofName) | 0;
    this.#hash = hash;
    const table = this.#table;
    const age = table.sequence - 1 - this.#entries[hash & (bucketCount - 1)]!;
    if (age >= table.count) return -1;
    const place = table.place(age);
    if (table.info(place) !== hash || table.valueLength(place) !== end - start) return -1;
    const { bytes } = table;
    const at = table.offset(place);
    const nameLength = table.nameLength(place);
    if (nameLength !== nameEnd - nameStart) return -1;
    for (let i = start, j = at + nameLength + 2; i < end; i++, j++) if (value[i] !== bytes[j]) return -1;
    return isLowered(name, nameStart, bytes, at, nameLength) ? age : -1;
  }

  /** Right after `find` found nothing: whether the field is to be put in now, which it then is. */
  admit(
    name: Uint8Array,
    nameStart: number,
    nameEnd: number,
    value: Uint8Array,
    start: number,
    end: number,
  ): boolean {
    const hash = this.#hash;
    const bucket = hash & (bucketCount - 1);
    if (this.#seen[bucket] !== hash) {
      this.#seen[bucket] = hash;
      return false;
    }
    const table = this.#table;
    const size = nameEnd - nameStart + end - start + ENTRY_OVERHEAD;
    // One that would drive most others out is not worth it; the share is nghttp2's.
    if (size > (table.capacity * 3) / 4 || nameEnd - nameStart > lower.length) return false;
    lowerTo(lower, name, nameStart, nameEnd);
    this.#entries[bucket] = table.sequence;
    table.insert(lower, 0, nameEnd - nameStart, value, start, end, hash);
    return true;
  }
}

function lowerTo(to: Buffer, from: Uint8Array, start: number, end: number): void {
  for (let i = start, j = 0; i < end; i++, j++) {
    const code = from[i]!;
    to[j] = code >= 0x41 && code <= 0x5a ? code | 0x20 : code;
  }
}

function hashName(name: Uint8Array, start: number, end: number): number {
  let hash = 0;
  for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + (name[i]! | 0x20)) | 0;
  return hash;
}

function isLowered(
  name: Uint8Array,
  start: number,
  lowered: Uint8Array,
  at: number,
  length: number,
): boolean {
  for (let i = 0; i < length; i++) {
    const code = name[start + i]!;
    if ((code >= 0x41 && code <= 0x5a ? code | 0x20 : code) !== lowered[at + i]) return false;
  }
  return true;
}
