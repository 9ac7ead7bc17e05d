import type { Stream } from './stream.ts';

const smallest = 8;

/**
 * The streams of a connection by their id. Ids of a peer follow each other, so that their lower bits are a hash without
 * collisions but for streams that live long; a Map costs several times as much for each stream that comes and goes.
 */
export class StreamTable {
  /** Open addressing, each in the first free place from its own on; never more than half full. */
  #slots: (Stream | undefined)[] = new Array(smallest).fill(undefined);
  #mask: number = smallest - 1;
  size = 0;

  get(id: number): Stream | undefined {
    const slots = this.#slots;
    for (let at = (id >> 1) & this.#mask; ; at = (at + 1) & this.#mask) {
      const stream = slots[at];
      if (stream === undefined || stream.id === id) return stream;
    }
  }

  /** Takes one in by its `id`, which must not change while it is here, and which no other has. */
  add(stream: Stream): void {
    if (++this.size * 2 > this.#slots.length) this.#resize(this.#slots.length * 2);
    this.#place(stream);
  }

  /** Takes it out, which must be here. */
  remove(stream: Stream): void {
    const slots = this.#slots;
    const mask = this.#mask;
    let gap = (stream.id >> 1) & mask;
    while (slots[gap] !== stream) gap = (gap + 1) & mask;
    this.size--;
    // Those behind it move up where they still are at or behind their own place (Knuth, volume 3, section 6.4, algorithm R).
    for (let at = (gap + 1) & mask; slots[at] !== undefined; at = (at + 1) & mask) {
      const own = (slots[at]!.id >> 1) & mask;
      if (((at - own) & mask) < ((at - gap) & mask)) continue;
      slots[gap] = slots[at];
      gap = at;
    }
    slots[gap] = undefined;
  }

  /** All of them, as a list of its own; in no order. */
  list(): Stream[] {
    return this.#slots.filter(stream => stream !== undefined);
  }

  /** Gives back the room that it does not need. */
  compact(): void {
    let length = smallest;
    while (length < this.size * 2) length *= 2;
    if (length < this.#slots.length) this.#resize(length);
  }

  #place(stream: Stream): void {
    const slots = this.#slots;
    let at = (stream.id >> 1) & this.#mask;
    while (slots[at] !== undefined) at = (at + 1) & this.#mask;
    slots[at] = stream;
  }

  #resize(length: number): void {
    const before = this.#slots;
    this.#slots = new Array(length).fill(undefined);
    this.#mask = length - 1;
    for (const stream of before) if (stream !== undefined) this.#place(stream);
  }
}
