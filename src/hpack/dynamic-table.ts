// The dynamic table of RFC 7541 section 2.3.2 as two rings: the lines of its fields, and where each begins.
import { copy } from './field-list.ts';

/** Integers per entry: where its line begins, length of its name, of its value, its info. */
const STRIDE = 4;
/** What the RFC adds to the bytes of each entry. */
export const ENTRY_OVERHEAD = 32;

const nothing = Buffer.alloc(0);

/**
 * Entries by age, as lines (`name: value` and CRLF) with what is known of them, so that a reference costs one copy and no look at
 * its bytes. Lines are never cut at the ring's end: twice the table's size is always enough.
 */
export class DynamicTable {
  /** The lines; at `offset` one begins. */
  bytes: Buffer = nothing;
  #entries: Int32Array = new Int32Array(0);
  #mask = 0;
  /** Of the next entry; counts up for ever. */
  #next = 0;
  #count = 0;
  #size = 0;
  #capacity: number;
  #end = 0;

  /** `capacity`: the most that it holds now, in the RFC's bytes. Memory is taken with the first entry. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get count(): number {
    return this.#count;
  }
  /** Bytes of all entries with ENTRY_OVERHEAD for each. */
  get size(): number {
    return this.#size;
  }
  get capacity(): number {
    return this.#capacity;
  }

  /** Another size: what does not fit leaves, and the rings are made anew where they are too small. */
  resize(capacity: number): void {
    this.#capacity = capacity;
    this.#evict(0);
    if (this.#entries.length > 0 && this.bytes.length < capacity * 2) this.#allocate();
  }

  /** The place of the entry that is `age` old (0 is the newest), for the following. The caller has compared it with `count`. */
  place(age: number): number {
    return ((this.#next - 1 - age) & this.#mask) * STRIDE;
  }
  offset(place: number): number {
    return this.#entries[place]!;
  }
  nameLength(place: number): number {
    return this.#entries[place + 1]!;
  }
  valueLength(place: number): number {
    return this.#entries[place + 2]!;
  }
  info(place: number): number {
    return this.#entries[place + 3]!;
  }

  /** How many entries there have ever been: the number that the next one gets. */
  get sequence(): number {
    return this.#next;
  }

  /** Adds a field. One that is larger than the table empties it, and is not added. */
  insert(
    name: Uint8Array,
    nameStart: number,
    nameEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
    info: number,
  ): void {
    const nameLength = nameEnd - nameStart;
    const valueLength = valueEnd - valueStart;
    const needed = nameLength + valueLength + ENTRY_OVERHEAD;
    this.#evict(needed);
    if (needed > this.#capacity) return;
    if (this.#entries.length === 0) this.#allocate();
    const length = nameLength + valueLength + 4;
    if (this.#end + length > this.bytes.length) this.#end = 0;
    const { bytes } = this;
    let at = this.#end;
    const place = (this.#next & this.#mask) * STRIDE;
    const entries = this.#entries;
    entries[place] = at;
    entries[place + 1] = nameLength;
    entries[place + 2] = valueLength;
    entries[place + 3] = info;
    copy(name, nameStart, nameEnd, bytes, at);
    at += nameLength;
    bytes[at++] = 0x3a;
    bytes[at++] = 0x20;
    copy(value, valueStart, valueEnd, bytes, at);
    at += valueLength;
    bytes[at++] = 0x0d;
    bytes[at++] = 0x0a;
    this.#end = at;
    this.#next++;
    this.#count++;
    this.#size += needed;
  }

  #evict(needed: number): void {
    while (this.#count > 0 && this.#size + needed > this.#capacity) {
      const oldest = this.place(this.#count - 1);
      this.#size -= this.#entries[oldest + 1]! + this.#entries[oldest + 2]! + ENTRY_OVERHEAD;
      this.#count--;
    }
  }

  /** Rings for the present capacity, with what is in the old ones. */
  #allocate(): void {
    const { bytes: before, count } = this;
    const old = this.#entries;
    const places: number[] = [];
    for (let age = count - 1; age >= 0; age--) places.push(this.place(age));
    let entryCount = 4;
    while (entryCount * ENTRY_OVERHEAD < this.#capacity) entryCount *= 2;
    this.bytes = Buffer.allocUnsafeSlow(this.#capacity * 2);
    this.#entries = new Int32Array(entryCount * STRIDE);
    this.#mask = entryCount - 1;
    this.#end = 0;
    let number = this.#next - count;
    for (const place of places) {
      const length = old[place + 1]! + old[place + 2]! + 4;
      const to = (number++ & this.#mask) * STRIDE;
      before.copy(this.bytes, this.#end, old[place]!, old[place]! + length);
      this.#entries.set(old.subarray(place, place + STRIDE), to);
      this.#entries[to] = this.#end;
      this.#end += length;
    }
  }
}
