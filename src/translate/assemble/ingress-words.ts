// What objects say of Ingresses in the words of dialects beside ingress-nginx's: which of it there is, and whoever has asked for
// what is another now.
import type { IngressDialectName, IngressWords, SaidWords } from '../ingress/ingress-dialect.ts';

/** Something that is made of words. */
export interface WordsReader {
  /** Unique among all. */
  readonly name: string;
  /** Some of the words that it was made of are others now. */
  touch(): void;
}

/** All words, by what they are of. */
export class IngressWordsIndex {
  readonly #all = new Map<string, IngressWords>();
  /** Of controllers as a whole, by dialect and by key. */
  readonly #configs = new Map<string, Map<string, IngressWords>>();
  readonly #changed = new Set<string>();
  /** By what they have asked for, whether it was there or not; and the other way round by their names. */
  readonly #readers = new Map<string, Map<string, WordsReader>>();
  readonly #asked = new Map<string, Set<string>>();

  set(words: IngressWords, present: boolean): void {
    const name = nameOf(words.dialect, words.of, words.key);
    if (present) this.#all.set(name, words);
    else this.#all.delete(name);
    this.#changed.add(name);
    if (words.of === 'config') this.#setConfig(words, present);
  }

  /** The words for who is made of them anew: what it asked for before is forgotten, what it asks for now is noted. */
  for(reader: WordsReader): SaidWords {
    this.forget(reader.name);
    const noted = <T>(name: string, found: T): T => {
      this.#note(reader, name);
      return found;
    };
    return {
      find: (dialect, of, key) => {
        const name = nameOf(dialect, of, key);
        return noted(name, this.#all.get(name));
      },
      config: dialect => noted(configOf(dialect), this.#config(dialect)),
    };
  }

  /** It is there no more. */
  forget(reader: string): void {
    for (const name of this.#asked.get(reader) ?? []) {
      const readers = this.#readers.get(name);
      readers?.delete(reader);
      if (readers?.size === 0) this.#readers.delete(name);
    }
    this.#asked.delete(reader);
  }

  /** Tells those who have asked for what came, went or became another since this was called last; whether there was such. */
  tell(): boolean {
    if (this.#changed.size === 0) return false;
    for (const name of this.#changed)
      for (const reader of this.#readers.get(name)?.values() ?? []) reader.touch();
    this.#changed.clear();
    return true;
  }

  #note(reader: WordsReader, name: string): void {
    const readers = this.#readers.get(name) ?? new Map<string, WordsReader>();
    const asked = this.#asked.get(reader.name) ?? new Set<string>();
    this.#readers.set(name, readers.set(reader.name, reader));
    this.#asked.set(reader.name, asked.add(name));
  }

  #setConfig(words: IngressWords, present: boolean): void {
    const name = configOf(words.dialect);
    const configs = this.#configs.get(name) ?? new Map<string, IngressWords>();
    if (present) configs.set(words.key, words);
    else configs.delete(words.key);
    this.#configs.set(name, configs);
    this.#changed.add(name);
  }

  #config(dialect: IngressDialectName): IngressWords | undefined {
    const configs = this.#configs.get(configOf(dialect));
    const [first] = [...(configs?.keys() ?? [])].sort();
    return first === undefined ? undefined : configs?.get(first);
  }
}

function nameOf(dialect: IngressDialectName, of: IngressWords['of'], key: string): string {
  return `${dialect} ${of} ${key}`;
}

function configOf(dialect: IngressDialectName): string {
  return `${dialect} config`;
}
