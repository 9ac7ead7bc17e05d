import { ExpressionFault, type Token, tokensOf } from './tokens.ts';

/** An expression as it was written. Operators are calls of their signs: `==`, `in`, `?:`, and `-x` for that before a number. */
export type Node =
  | {
      readonly kind: 'literal';
      readonly value: string | number | boolean;
      readonly whole: boolean;
      readonly at: number;
    }
  | { readonly kind: 'list'; readonly items: readonly Node[]; readonly at: number }
  | { readonly kind: 'name'; readonly name: string; readonly at: number }
  | { readonly kind: 'field'; readonly of: Node; readonly name: string; readonly at: number }
  | { readonly kind: 'entry'; readonly of: Node; readonly key: Node; readonly at: number }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Node[]; readonly at: number };

/** Nobody writes more, and what is deeper would run out of stack. */
const maxLength = 4096;
const maxDepth = 64;

/** Throws an ExpressionFault where the text is no expression. */
export function parseExpression(source: string): Node {
  if (source.trim() === '') throw new ExpressionFault('the expression is empty');
  if (source.length > maxLength)
    throw new ExpressionFault(`the expression has ${source.length} characters; ${maxLength} is the most`);
  return new Parser(tokensOf(source)).whole();
}

/** Binary operators, those that bind least first (github.com/google/cel-spec, doc/langdef.md). */
const levels: readonly (readonly string[])[] = [
  ['||'],
  ['&&'],
  ['<', '<=', '>', '>=', '==', '!=', 'in'],
  ['+', '-'],
  ['*', '/', '%'],
];

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  whole(): Node {
    const node = this.#expression();
    const { kind, text, at } = this.#next;
    if (kind !== 'end') throw new ExpressionFault(`'${text}' was not expected`, at);
    return node;
  }

  get #next(): Token {
    return this.#tokens[this.#at]!;
  }

  #take(sign: string): boolean {
    const { kind, text } = this.#next;
    if (kind === 'text' || kind === 'number' || text !== sign) return false;
    this.#at++;
    return true;
  }

  #need(sign: string): void {
    if (this.#take(sign)) return;
    const { text, at, kind } = this.#next;
    throw new ExpressionFault(`'${sign}' is missing${kind === 'end' ? '' : ` before '${text}'`}`, at);
  }

  #expression(): Node {
    if (++this.#depth > maxDepth)
      throw new ExpressionFault(`more than ${maxDepth} levels deep`, this.#next.at);
    const condition = this.#binary(0);
    const { at } = this.#next;
    let node = condition;
    if (this.#take('?')) {
      const yes = this.#binary(0);
      this.#need(':');
      node = { kind: 'call', name: '?:', args: [condition, yes, this.#expression()], at };
    }
    this.#depth--;
    return node;
  }

  #binary(level: number): Node {
    const operators = levels[level];
    if (operators === undefined) return this.#unary();
    let left = this.#binary(level + 1);
    for (;;) {
      const { at } = this.#next;
      const name = operators.find(each => this.#take(each));
      if (name === undefined) return left;
      left = { kind: 'call', name, args: [left, this.#binary(level + 1)], at };
    }
  }

  #unary(): Node {
    const { at } = this.#next;
    const name = this.#take('!') ? '!' : this.#take('-') ? '-x' : undefined;
    if (name === undefined) return this.#member();
    if (++this.#depth > maxDepth) throw new ExpressionFault(`more than ${maxDepth} levels deep`, at);
    const node: Node = { kind: 'call', name, args: [this.#unary()], at };
    this.#depth--;
    return node;
  }

  #member(): Node {
    let node = this.#primary();
    for (;;) {
      const { at } = this.#next;
      if (this.#take('.')) {
        const name = this.#name();
        node = this.#take('(')
          ? { kind: 'call', name: `.${name}`, args: [node, ...this.#list(')')], at }
          : { kind: 'field', of: node, name, at };
      } else if (this.#take('[')) {
        const key = this.#expression();
        this.#need(']');
        node = { kind: 'entry', of: node, key, at };
      } else return node;
    }
  }

  #name(): string {
    const { kind, text, at } = this.#next;
    if (kind !== 'name') throw new ExpressionFault(`a name is missing after '.'`, at);
    this.#at++;
    return text;
  }

  #list(end: string): readonly Node[] {
    const items: Node[] = [];
    if (this.#take(end)) return items;
    do items.push(this.#expression());
    while (this.#take(','));
    this.#need(end);
    return items;
  }

  #primary(): Node {
    const token = this.#next;
    const { at, text } = token;
    if (this.#take('(')) {
      const node = this.#expression();
      this.#need(')');
      return node;
    }
    if (this.#take('[')) return { kind: 'list', items: this.#list(']'), at };
    if (token.kind === 'end') throw new ExpressionFault('the expression ends too early', at);
    if (token.kind === 'sign') throw new ExpressionFault(`'${text}' was not expected`, at);
    this.#at++;
    if (token.kind === 'text') return { kind: 'literal', value: text, whole: false, at };
    if (token.kind === 'number')
      return { kind: 'literal', value: token.value, whole: /^(?:\d+|0[xX].*)$/.test(text), at };
    if (text === 'true' || text === 'false')
      return { kind: 'literal', value: text === 'true', whole: false, at };
    if (this.#take('(')) return { kind: 'call', name: text, args: this.#list(')'), at };
    return { kind: 'name', name: text, at };
  }
}
