// What objects say of Ingresses in the words of dialects beside ingress-nginx's: which of it there is, and what changed.
import type { IngressDialectName, IngressWords, SaidWords } from '../ingress/ingress-dialect.ts';

/** All words, by what they are of. */
export class IngressWordsIndex implements SaidWords {
  readonly #all = new Map<string, IngressWords>();
  readonly #changed: IngressWords[] = [];
  /** Another number whenever something is said anew. */
  version = 0;

  set(words: IngressWords, present: boolean): void {
    const name = nameOf(words.dialect, words.of, words.key);
    if (present) this.#all.set(name, words);
    else this.#all.delete(name);
    this.#changed.push(words);
    this.version++;
  }

  find(dialect: IngressDialectName, of: IngressWords['of'], key: string): IngressWords | undefined {
    return this.#all.get(nameOf(dialect, of, key));
  }

  config(dialect: IngressDialectName): IngressWords | undefined {
    let first: IngressWords | undefined;
    for (const each of this.#all.values())
      if (each.dialect === dialect && each.of === 'config' && (first === undefined || each.key < first.key))
        first = each;
    return first;
  }

  /** What came or went since this was asked last. */
  takeChanged(): readonly IngressWords[] {
    return this.#changed.splice(0);
  }
}

function nameOf(dialect: IngressDialectName, of: IngressWords['of'], key: string): string {
  return `${dialect} ${of} ${key}`;
}
