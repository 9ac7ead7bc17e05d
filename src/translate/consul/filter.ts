// Filters of subsets (developer.hashicorp.com/consul/api-docs/features/filtering) as conditions on the labels of pods: a key of
// Service.Meta is the label of that name. Everything else that Consul knows of an instance is not there to ask.
import type { LabelSelector } from '../../model/index.ts';

type Expression = NonNullable<LabelSelector['matchExpressions']>[number];
type Operator = Expression['operator'];

type Node =
  | { readonly kind: 'and' | 'or'; readonly items: readonly Node[] }
  | { readonly kind: 'leaf'; readonly expression: Expression };

/** The conditions, all of which must hold; or why there are none. */
export function parseFilter(filter: string): readonly Expression[] | string {
  if (filter.trim() === '') return [];
  try {
    return flat(new Parser(filter).parse());
  } catch (thrown) {
    if (thrown instanceof Unsayable) return thrown.message;
    throw thrown;
  }
}

/** Leaves the parser where the filter says what labels cannot. */
class Unsayable extends Error {}

const tokens = /\s*(?:(==|!=|[()])|"([^"]*)"|`([^`]*)`|([^\s()=!"`[]+(?:\["[^"]*"\])*))/y;

interface Token {
  readonly text: string;
  readonly quoted: boolean;
}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(filter: string) {
    this.#tokens = tokensOf(filter);
  }

  parse(): Node {
    const node = this.#or();
    const rest = this.#tokens[this.#at];
    if (rest) throw new Unsayable(`has '${rest.text}' where it should end`);
    return node;
  }

  #or(): Node {
    const items = [this.#and()];
    while (this.#takes('or')) items.push(this.#and());
    return items.length === 1 ? items[0]! : { kind: 'or', items };
  }

  #and(): Node {
    const items = [this.#not()];
    while (this.#takes('and')) items.push(this.#not());
    return items.length === 1 ? items[0]! : { kind: 'and', items };
  }

  #not(): Node {
    if (this.#takes('not')) return inverse(this.#not());
    if (!this.#takes('(')) return this.#comparison();
    const node = this.#or();
    if (!this.#takes(')')) throw new Unsayable('has a ( without a )');
    return node;
  }

  #comparison(): Node {
    const left = this.#next();
    const negated = this.#takes('not');
    const operator = this.#next().text.toLowerCase();
    switch (operator) {
      case '==':
      case '!=':
        return leaf(labelOf(left), operator === '==' ? 'In' : 'NotIn', [this.#next().text]);
      case 'is': {
        const filled = this.#takes('not');
        if (!this.#takes('empty')) throw new Unsayable("has 'is' without 'empty'");
        return leaf(labelOf(left), filled ? 'Exists' : 'DoesNotExist');
      }
      case 'in': {
        const selector = this.#next();
        if (selector.text !== 'Service.Meta') throw new Unsayable(`asks what '${selector.text}' contains`);
        return leaf(checkedKey(left.text), negated ? 'DoesNotExist' : 'Exists');
      }
      case 'contains': {
        if (left.text !== 'Service.Meta') throw new Unsayable(`asks what '${left.text}' contains`);
        return leaf(checkedKey(this.#next().text), negated ? 'DoesNotExist' : 'Exists');
      }
      default:
        throw new Unsayable(`compares by '${operator}'`);
    }
  }

  #next(): Token {
    const token = this.#tokens[this.#at++];
    if (!token) throw new Unsayable('ends too early');
    return token;
  }

  #takes(word: string): boolean {
    const token = this.#tokens[this.#at];
    if (!token || token.quoted || token.text.toLowerCase() !== word) return false;
    this.#at++;
    return true;
  }
}

function tokensOf(filter: string): readonly Token[] {
  const found: Token[] = [];
  const text = filter.trim();
  tokens.lastIndex = 0;
  while (tokens.lastIndex < text.length) {
    const at = tokens.lastIndex;
    const match = tokens.exec(text);
    if (!match) throw new Unsayable(`cannot be read from '${text.slice(at, at + 20)}' on`);
    const [, sign, double, back, word] = match;
    const quoted = double ?? back;
    found.push({ text: quoted ?? sign ?? word!, quoted: quoted !== undefined });
  }
  return found;
}

function labelOf({ text, quoted }: Token): string {
  const key = /^Service\.Meta(?:\.([^[\]]+)|\["([^"]+)"\])$/.exec(text);
  if (quoted || !key) throw new Unsayable(`asks for '${text}'`);
  return checkedKey(key[1] ?? key[2]!);
}

function checkedKey(key: string): string {
  if (/^[A-Za-z0-9]([A-Za-z0-9_./-]*[A-Za-z0-9])?$/.test(key)) return key;
  throw new Unsayable(`asks for '${key}', which is no name of a label`);
}

function leaf(key: string, operator: Operator, values?: readonly string[]): Node {
  return { kind: 'leaf', expression: { key, operator, ...(values && { values }) } };
}

const opposites = { In: 'NotIn', NotIn: 'In', Exists: 'DoesNotExist', DoesNotExist: 'Exists' } as const;

function inverse(node: Node): Node {
  if (node.kind !== 'leaf')
    return { kind: node.kind === 'and' ? 'or' : 'and', items: node.items.map(inverse) };
  const { expression } = node;
  return { kind: 'leaf', expression: { ...expression, operator: opposites[expression.operator] } };
}

function flat(node: Node): readonly Expression[] {
  if (node.kind === 'leaf') return [node.expression];
  if (node.kind === 'and') return node.items.flatMap(flat);
  const choices = node.items.flatMap(flat);
  const [first] = choices;
  const single = node.items.every(each => flat(each).length === 1);
  if (!single || choices.some(each => each.key !== first!.key || each.operator !== 'In'))
    throw new Unsayable("has an 'or' of more than values of one key");
  return [{ key: first!.key, operator: 'In', values: choices.flatMap(each => each.values ?? []) }];
}
