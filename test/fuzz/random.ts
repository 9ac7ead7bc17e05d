/**
 * A seeded source of choices (sfc32, Chris Doty-Humphrey's Small Fast Counter): the same seed makes the same cases everywhere.
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #d = 1;

  constructor(seed: number, stream = 0) {
    this.#a = seed | 0;
    this.#b = stream | 0;
    this.#c = 0x9e3779b9;
    for (let i = 0; i < 12; i++) this.next();
  }

  /** 32 random bits, unsigned. */
  next(): number {
    const out = (((this.#a + this.#b) | 0) + this.#d) | 0;
    this.#d = (this.#d + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + out;
    return out >>> 0;
  }

  /** An integer from 0 to `below` - 1. */
  int(below: number): number {
    return this.next() % below;
  }

  /** True once in `times` times. */
  oneIn(times: number): boolean {
    return this.next() % times === 0;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.next() % from.length]!;
  }
}
