/**
 * One copy of each text: the names and values of labels, of nodes, of accounts stand in thousands of pods, and JSON.parse makes a
 * new string of each. Bounded, because some texts are different in every object.
 */
export class Interner {
  readonly #limit: number;
  #texts = new Map<string, string>();

  constructor(limit = 20_000) {
    this.#limit = limit;
  }

  /** The same value with every short text in it replaced by the copy that is known; changes arrays and objects in place. */
  intern(value: unknown): unknown {
    if (typeof value === 'string') return this.#text(value);
    if (typeof value !== 'object' || value === null) return value;
    const fields = value as Record<string, unknown>;
    for (const name in fields) {
      const field = fields[name];
      const known = this.intern(field);
      if (known !== field) fields[name] = known;
    }
    return value;
  }

  #text(text: string): string {
    if (text.length > 100) return text;
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    if (this.#texts.size >= this.#limit) this.#texts = new Map();
    this.#texts.set(text, text);
    return text;
  }
}
