import { type CompiledPattern, compilePattern } from '../routing/index.ts';
import { ATTRIBUTES, type Attribute, ELSEWHERE, nearest } from './attributes.ts';
import { overloadOf, overloadsOf } from './functions.ts';
import { type Node, parseExpression } from './parse.ts';
import { ExpressionFault } from './tokens.ts';
import { type Type, type Value, word } from './value.ts';

/** Where attributes are read, for one kind of context. Maps are asked by key. */
export type Readers<T> = {
  readonly [A in Attribute]: (typeof ATTRIBUTES)[A] extends 'map'
    ? (context: T, key: string) => string | undefined
    : (context: T) => Value;
};

type Run<T> = (context: T) => Value;

/** An expression that is ready for use. */
export interface CompiledExpression<T> {
  readonly type: Type;
  /** Never throws. */
  readonly evaluate: Run<T>;
  /** Names of headers that it reads, in lower case. */
  readonly requestHeaders: readonly string[];
  readonly responseHeaders: readonly string[];
}

/** Throws an ExpressionFault for what is wrong, in words for its author. */
export function compileExpression<T>(source: string, readers: Readers<T>): CompiledExpression<T> {
  const compiler = new Compiler(readers);
  const { type, run } = compiler.compile(parseExpression(source));
  const { requestHeaders, responseHeaders } = compiler;
  return { type, evaluate: run, requestHeaders, responseHeaders };
}

interface Compiled<T> {
  readonly type: Type;
  readonly run: Run<T>;
  /** Of a list. */
  readonly of?: Type;
  /** Where the value is written out. */
  readonly literal?: string | number | boolean;
}

class Compiler<T> {
  readonly requestHeaders: string[] = [];
  readonly responseHeaders: string[] = [];
  readonly #readers: Readers<T>;

  constructor(readers: Readers<T>) {
    this.#readers = readers;
  }

  compile(node: Node): Compiled<T> {
    switch (node.kind) {
      case 'literal': {
        const { value, whole } = node;
        const type =
          typeof value === 'number'
            ? whole
              ? 'int'
              : 'double'
            : typeof value === 'string'
              ? 'string'
              : 'bool';
        return { type, run: () => value, literal: value };
      }
      case 'list':
        return this.#list(node);
      case 'name':
      case 'field':
        return this.#attribute(node);
      case 'entry':
        return this.#entry(node);
      case 'call':
        return this.#call(node);
    }
  }

  #list({ items, at }: Node & { kind: 'list' }): Compiled<T> {
    const compiled = items.map(each => this.compile(each));
    const [first] = compiled;
    if (compiled.some(({ type }) => type !== first!.type))
      throw new ExpressionFault('a list must be of one type', at);
    const runs = compiled.map(({ run }) => run);
    const fixed = compiled.map(({ literal }) => literal);
    const run: Run<T> = fixed.includes(undefined) ? context => runs.map(each => each(context)) : () => fixed;
    return { type: 'list', ...(first && { of: first.type }), run };
  }

  /** `request.path`; or, as CEL has it too, a header by its name: `request.headers.host`. */
  #attribute(node: Node): Compiled<T> {
    const path = pathOf(node);
    if (path === undefined)
      throw new ExpressionFault(ELSEWHERE[rootOf(node)] ?? 'only attributes have fields', node.at);
    const name = path.join('.');
    const type = ATTRIBUTES[name as Attribute] as (typeof ATTRIBUTES)[Attribute] | undefined;
    if (type === 'map')
      throw new ExpressionFault(`${name} must be asked for one name: ${name}['x-request-id']`, node.at);
    if (type !== undefined) {
      const read = this.#readers[name as Attribute] as Run<T>;
      return { type, run: read };
    }
    const of = path.slice(0, -1).join('.');
    if (isMap(of)) return this.#header(of, path.at(-1)!);
    const instead = ELSEWHERE[path[0]!];
    if (instead !== undefined) throw new ExpressionFault(`${name}: ${instead}`, node.at);
    const near = nearest(name, Object.keys(ATTRIBUTES));
    const remedy =
      near === undefined ? 'docs/telemetry.md lists those that are known' : `did you mean ${near}?`;
    throw new ExpressionFault(`no attribute is called ${name}; ${remedy}`, node.at);
  }

  #entry({ of, key, at }: Node & { kind: 'entry' }): Compiled<T> {
    const name = pathOf(of)?.join('.') ?? '';
    if (!isMap(name)) {
      if (name !== '' && ELSEWHERE[name.split('.')[0]!] !== undefined) return this.#attribute(of);
      throw new ExpressionFault('only request.headers and response.headers have entries', at);
    }
    if (key.kind !== 'literal' || typeof key.value !== 'string')
      throw new ExpressionFault(`the name of a header must be written out: ${name}['x-request-id']`, at);
    return this.#header(name, key.value);
  }

  #header(map: HeaderMap, name: string): Compiled<T> {
    const read = this.#readers[map];
    const lower = name.toLowerCase();
    (map === 'request.headers' ? this.requestHeaders : this.responseHeaders).push(lower);
    return { type: 'string', run: context => read(context, lower) };
  }

  #call(node: Node & { kind: 'call' }): Compiled<T> {
    const { name, args, at } = node;
    switch (name) {
      case '&&':
      case '||':
        return this.#logical(name, args, at);
      case '?:':
        return this.#choice(args, at);
      case 'in':
        return this.#membership(args, at);
      case 'has':
        return this.#presence(args, at);
      case '.matches':
        return this.#pattern(args, at);
      case 'size':
        return this.#apply('.size', args, at);
      default:
        return this.#apply(name, args, at);
    }
  }

  /** What is absent on one side does not matter where the other decides (CEL's logical operators). */
  #logical(name: '&&' | '||', args: readonly Node[], at: number): Compiled<T> {
    const [left, right] = args.map(each => this.#condition(each, name, at));
    const decides = name === '||';
    const run: Run<T> = context => {
      const first = left!(context);
      if (first === decides) return decides;
      const second = right!(context);
      if (second === decides) return decides;
      return first === undefined || second === undefined ? undefined : !decides;
    };
    return { type: 'bool', run };
  }

  #condition(node: Node, of: string, at: number): Run<T> {
    const { type, run } = this.compile(node);
    if (type !== 'bool')
      throw new ExpressionFault(`'${of}' wants true or false, and there is a ${word(type)}`, at);
    return run;
  }

  #choice(args: readonly Node[], at: number): Compiled<T> {
    const condition = this.#condition(args[0]!, '?', at);
    const yes = this.compile(args[1]!);
    const no = this.compile(args[2]!);
    if (yes.type !== no.type)
      throw new ExpressionFault(
        `both sides of '?:' must be of one type; there is a ${word(yes.type)} and a ${word(no.type)}`,
        at,
      );
    const run: Run<T> = context => {
      const which = condition(context);
      return which === undefined ? undefined : which === true ? yes.run(context) : no.run(context);
    };
    return { type: yes.type, ...(yes.of && { of: yes.of }), run };
  }

  #membership(args: readonly Node[], at: number): Compiled<T> {
    const item = this.compile(args[0]!);
    const map = pathOf(args[1]!)?.join('.') ?? '';
    if (isMap(map)) {
      if (typeof item.literal !== 'string')
        throw new ExpressionFault(`the name of a header must be written out: 'x-request-id' in ${map}`, at);
      const { run } = this.#header(map, item.literal);
      return { type: 'bool', run: context => run(context) !== undefined };
    }
    const list = this.compile(args[1]!);
    if (list.type !== 'list')
      throw new ExpressionFault(`'in' wants a list or headers, and there is a ${word(list.type)}`, at);
    if (list.of !== undefined && list.of !== item.type)
      throw new ExpressionFault(`a ${word(item.type)} is in no list of ${word(list.of)}s`, at);
    const run: Run<T> = context => {
      const value = item.run(context);
      return value === undefined ? undefined : (list.run(context) as readonly Value[]).includes(value);
    };
    return { type: 'bool', run };
  }

  #presence(args: readonly Node[], at: number): Compiled<T> {
    const [of] = args;
    if (args.length !== 1 || (of!.kind !== 'field' && of!.kind !== 'entry'))
      throw new ExpressionFault('has() wants one attribute: has(response.code)', at);
    const { run } = this.compile(of!);
    return { type: 'bool', run: context => run(context) !== undefined };
  }

  /** Anywhere in the text, as RE2 has it. */
  #pattern(args: readonly Node[], at: number): Compiled<T> {
    const [text, pattern] = args.map(each => this.compile(each));
    if (text?.type !== 'string' || typeof pattern?.literal !== 'string' || args.length !== 2)
      throw new ExpressionFault(
        "matches() wants a text and a pattern that is written out: a.matches('^/v1/')",
        at,
      );
    let compiled: CompiledPattern;
    try {
      compilePattern(pattern.literal);
      compiled = compilePattern(`(?s:.*)(?:${pattern.literal})(?s:.*)`);
    } catch (thrown) {
      throw new ExpressionFault((thrown as Error).message, at);
    }
    const { run } = text;
    return {
      type: 'bool',
      run: context => {
        const value = run(context);
        return value === undefined ? undefined : compiled.matches(value as string);
      },
    };
  }

  #apply(name: string, args: readonly Node[], at: number): Compiled<T> {
    // Before its arguments: a macro that is not supported is told as that, and not by the variable in it.
    overloadsOf(name, at);
    const compiled = args.map(each => this.compile(each));
    const overload = overloadOf(
      name,
      compiled.map(({ type }) => type),
      at,
    );
    const apply = overload.run as (...values: Value[]) => Value;
    return {
      type: overload.gives,
      run: applied(
        apply,
        compiled.map(({ run }) => run),
      ),
    };
  }
}

/** What is computed from something absent is absent. */
function applied<T>(apply: (...values: Value[]) => Value, runs: readonly Run<T>[]): Run<T> {
  const [first, second] = runs as readonly [Run<T>, Run<T>];
  if (runs.length === 1)
    return context => {
      const value = first(context);
      return value === undefined ? undefined : apply(value);
    };
  return context => {
    const left = first(context);
    if (left === undefined) return undefined;
    const right = second(context);
    return right === undefined ? undefined : apply(left, right);
  };
}

type HeaderMap = 'request.headers' | 'response.headers';

function isMap(name: string): name is HeaderMap {
  return name === 'request.headers' || name === 'response.headers';
}

function pathOf(node: Node): readonly string[] | undefined {
  if (node.kind === 'name') return [node.name];
  if (node.kind !== 'field') return undefined;
  const of = pathOf(node.of);
  return of && [...of, node.name];
}

/** The name that a chain of fields and entries begins with; '' for none. */
function rootOf(node: Node): string {
  if (node.kind === 'name') return node.name;
  return node.kind === 'field' || node.kind === 'entry' ? rootOf(node.of) : '';
}
