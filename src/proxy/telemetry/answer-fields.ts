import type { Head } from '../../http/index.ts';
import type { ObservedRequest } from '../observation/observer.interface.ts';

/** Fields of answers that a format or an expression asks for: an answer's head is there when it comes, and gone at the end. */
export class AnswerFields {
  readonly #names = new Map<string, Buffer>();
  readonly #kept = new WeakMap<ObservedRequest, Map<string, string>>();

  /** Which ones, in lower case. */
  constructor(names: Iterable<string>) {
    for (const name of names) this.#names.set(name, Buffer.from(name, 'latin1'));
  }

  /** Whether any is asked for: otherwise nobody need show it answers. */
  get wanted(): boolean {
    return this.#names.size > 0;
  }

  keep(request: ObservedRequest, head: Head): void {
    let kept = this.#kept.get(request);
    if (kept === undefined) {
      kept = new Map();
      this.#kept.set(request, kept);
    } else kept.clear();
    for (const [name, bytes] of this.#names) {
      const index = head.find(bytes);
      if (index >= 0) kept.set(name, textOf(head, index));
    }
  }

  /** Undefined where the answer has none, or there was none. */
  of(request: ObservedRequest, name: string): string | undefined {
    // One object serves many requests: what is kept is of an earlier one where this had no answer.
    return request.answeredMs === 0 ? undefined : this.#kept.get(request)?.get(name);
  }
}

/** A received header's value. */
export function textOf(head: Head, index: number): string {
  return head.bytes.toString('utf8', head.valueStart(index), head.valueEnd(index));
}
