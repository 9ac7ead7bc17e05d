/** What is wrong with an expression, in words that say where. */
export class ExpressionFault extends Error {
  constructor(message: string, at?: number) {
    super(at === undefined ? message : `${message} (character ${at + 1})`);
  }
}

/** One word of an expression; `at`: where it begins. */
export type Token =
  | { readonly kind: 'name' | 'sign' | 'end'; readonly text: string; readonly at: number }
  | { readonly kind: 'text'; readonly text: string; readonly at: number }
  | { readonly kind: 'number'; readonly text: string; readonly value: number; readonly at: number };

const space = /\s+|\/\/[^\n]*/y;
const name = /[A-Za-z_][A-Za-z0-9_]*/y;
const number = /0[xX][0-9A-Fa-f]+|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const sign = /&&|\|\||==|!=|<=|>=|[-+*/%!<>?:.,()[\]]/y;
const text = /(?:[rR])?("""[\s\S]*?"""|'''[\s\S]*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')/y;

/** The words of `source`, with an `end` behind them. Throws an ExpressionFault at what is none. */
export function tokensOf(source: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(source)?.[0];
    if (found !== undefined) at += found.length;
    return found;
  };
  while (at < source.length) {
    if (take(space) !== undefined) continue;
    const start = at;
    const literal = take(text);
    if (literal !== undefined) {
      tokens.push({ kind: 'text', text: textOf(literal, start), at: start });
      continue;
    }
    const digits = take(number);
    if (digits !== undefined) {
      // An unsigned number is a number.
      if (/[uU]/.test(source[at] ?? '')) at++;
      tokens.push({ kind: 'number', text: digits, value: Number(digits), at: start });
      continue;
    }
    const word = take(name);
    const mark = word === undefined ? take(sign) : undefined;
    if (word !== undefined) tokens.push({ kind: 'name', text: word, at: start });
    else if (mark !== undefined) tokens.push({ kind: 'sign', text: mark, at: start });
    else throw new ExpressionFault(strange(source[at]!), at);
  }
  tokens.push({ kind: 'end', text: '', at });
  return tokens;
}

function strange(char: string): string {
  if (char === '|')
    return "'|' with a default is an expression of Mixer, which Istio gave up in 1.5; write has(a) ? a : b";
  if (char === '=') return "'=' alone is no operator; write ==";
  if (char === '&') return "'&' alone is no operator; write &&";
  if (char === '"' || char === "'") return 'a text is not closed';
  if (char === '{') return 'maps and messages are not supported';
  return `'${char}' does not belong here`;
}

function textOf(literal: string, at: number): string {
  const raw = /^[rR]/.test(literal);
  const quoted = raw ? literal.slice(1) : literal;
  const width = /^("""|''')/.test(quoted) ? 3 : 1;
  const inner = quoted.slice(width, -width);
  return raw ? inner : inner.replace(escapes, found => unescaped(found, at));
}

const escapes = /\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|[0-3][0-7]{2}|[\s\S])/g;
const escaped: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

function unescaped(found: string, at: number): string {
  const mark = found[1]!;
  const rest = found.slice(2);
  if (mark in escaped) return escaped[mark]!;
  if ('\\"\'`?'.includes(mark)) return mark;
  if ((mark === 'x' || mark === 'u') && rest !== '') return String.fromCodePoint(Number.parseInt(rest, 16));
  if (/[0-3]/.test(mark) && rest.length === 2) return String.fromCodePoint(Number.parseInt(mark + rest, 8));
  throw new ExpressionFault(`'${found}' is no escape of a text; in r'…' a backslash is itself`, at);
}
