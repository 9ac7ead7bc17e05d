// The language of Traefik's rules: matchers with texts in parentheses, joined by &&, ||, ! and parentheses as Go has them
// (github.com/vulcand/predicate). What a matcher means says rule-match.ts.

/** A rule, taken apart. */
export type RuleNode =
  | { readonly kind: 'and' | 'or'; readonly nodes: readonly RuleNode[] }
  | { readonly kind: 'not'; readonly node: RuleNode }
  | { readonly kind: 'matcher'; readonly name: string; readonly values: readonly string[] };

/** What is no rule, and why. */
export class RuleError extends Error {}

/** Deeper parentheses are nobody's rule. */
const MAX_DEPTH = 32;

/** Throws RuleError. */
export function parseRule(text: string): RuleNode {
  const reader = new RuleReader(text);
  const node = reader.either(0);
  reader.end();
  return node;
}

class RuleReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  either(depth: number): RuleNode {
    if (depth > MAX_DEPTH) throw new RuleError(`has more than ${MAX_DEPTH} parentheses in one another`);
    return this.#joined('or', '||', () => this.#joined('and', '&&', () => this.#one(depth)));
  }

  end(): void {
    this.#skip();
    if (this.#at < this.#text.length) throw new RuleError(`goes on where it should end: ${this.#rest()}`);
  }

  #joined(kind: 'and' | 'or', sign: string, read: () => RuleNode): RuleNode {
    const nodes = [read()];
    while (this.#takes(sign)) nodes.push(read());
    return nodes.length === 1 ? nodes[0]! : { kind, nodes };
  }

  #one(depth: number): RuleNode {
    if (this.#takes('!')) {
      if (depth > MAX_DEPTH) throw new RuleError('has too many ! one after the other');
      return { kind: 'not', node: this.#one(depth + 1) };
    }
    if (this.#takes('(')) {
      const node = this.either(depth + 1);
      this.#demand(')');
      return node;
    }
    this.#skip();
    const [name] = /^[A-Za-z]+/.exec(this.#text.slice(this.#at)) ?? [];
    if (name === undefined) throw new RuleError(`has no matcher where one should be: ${this.#rest()}`);
    this.#at += name.length;
    this.#demand('(');
    const values: string[] = [];
    if (this.#takes(')')) return { kind: 'matcher', name, values };
    do values.push(this.#value());
    while (this.#takes(','));
    this.#demand(')');
    return { kind: 'matcher', name, values };
  }

  /** Between backticks as it stands, between quotes with what is behind a backslash. */
  #value(): string {
    this.#skip();
    const rest = this.#text.slice(this.#at);
    const [raw, plain] = /^`([^`]*)`/.exec(rest) ?? [];
    if (raw !== undefined) {
      this.#at += raw.length;
      return plain!;
    }
    const [quoted, inner] = /^"((?:[^"\\]|\\.)*)"/.exec(rest) ?? [];
    if (quoted === undefined)
      throw new RuleError(`has no text between backticks where one should be: ${this.#rest()}`);
    this.#at += quoted.length;
    return inner!.replace(/\\(.)/g, (whole, sign: string) => {
      if (sign === '\\' || sign === '"') return sign;
      throw new RuleError(`has ${whole} between quotes; write the text between backticks`);
    });
  }

  #takes(sign: string): boolean {
    this.#skip();
    if (!this.#text.startsWith(sign, this.#at)) return false;
    this.#at += sign.length;
    return true;
  }

  #demand(sign: string): void {
    if (!this.#takes(sign)) throw new RuleError(`misses a ${sign} before: ${this.#rest()}`);
  }

  #skip(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at++;
  }

  #rest(): string {
    const rest = this.#text.slice(this.#at, this.#at + 40);
    return rest === '' ? 'its end' : rest;
  }
}
