import type { KeptFor, ProxyRecord, RecordQuery } from '../../model/index.ts';

/** A record as it is kept: as text, so that its size is known, and with what is looked for beside it. */
interface Kept {
  readonly id: string;
  readonly keptFor: KeptFor;
  readonly at: number;
  readonly text: string;
}

/** What a record costs beside its text, bytes: the object, its id, its place. */
const besides = 160;

/** Records of one kind, the oldest of which make room for new ones: bounded by their bytes. */
export class KeptRecords {
  readonly #maxBytes: number;
  #kept: Kept[] = [];
  #first = 0;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** What they take, bytes: texts hold one byte for each character, two where one of them is beyond Latin-1. */
  get bytes(): number {
    return this.#bytes;
  }

  get count(): number {
    return this.#kept.length - this.#first;
  }

  /** When the oldest one began, since the epoch; undefined for none. */
  get sinceMs(): number | undefined {
    return this.#kept[this.#first]?.at;
  }

  add(record: ProxyRecord): void {
    const kept = { id: record.id, keptFor: record.kept, at: record.at, text: JSON.stringify(record) };
    this.#kept.push(kept);
    this.#bytes += sizeOf(kept);
    while (this.#bytes > this.#maxBytes && this.count > 0) {
      this.#bytes -= sizeOf(this.#kept[this.#first]!);
      this.#first++;
    }
    if (this.#first * 2 <= this.#kept.length) return;
    this.#kept = this.#kept.slice(this.#first);
    this.#first = 0;
  }

  /** Those that are meant, the oldest first. */
  find({ id, kept, sinceMs = 0, limit = Number.POSITIVE_INFINITY }: RecordQuery): ProxyRecord[] {
    const found: ProxyRecord[] = [];
    for (let i = this.#kept.length - 1; i >= this.#first && found.length < limit; i--) {
      const each = this.#kept[i]!;
      if (id !== undefined && each.id !== id) continue;
      if (kept !== undefined && each.keptFor !== kept) continue;
      if (each.at >= sinceMs) found.push(JSON.parse(each.text) as ProxyRecord);
    }
    return found.reverse();
  }
}

function sizeOf({ text }: Kept): number {
  return text.length + besides;
}
