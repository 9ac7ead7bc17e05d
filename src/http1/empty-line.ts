import { FAULT } from './faults.ts';

/** RFC 9112 section 2.2: one empty line before a request is let pass, in however many pieces it comes. */
export class EmptyLine {
  #state: 'due' | 'cr' | 'done' = 'due';

  /** Where the request begins in `bytes[start, end)`, `end` where that has not come; a code of FAULT for a CR alone. */
  skip(bytes: Buffer, start: number, end: number): number {
    if (this.#state === 'done' || (this.#state === 'due' && bytes[start] !== 0x0d)) return start;
    let at = start;
    if (this.#state === 'due') {
      this.#state = 'cr';
      if (++at === end) return end;
    }
    this.#state = 'done';
    return bytes[at] === 0x0a ? at + 1 : FAULT.BARE_CR;
  }

  /** A request has begun; another line may come before the next. */
  forget(): void {
    this.#state = 'due';
  }
}
