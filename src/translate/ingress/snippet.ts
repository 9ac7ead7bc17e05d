// Snippets of nginx's configuration, read by a grammar of their own and never passed on as text: eleven directives, each of which
// becomes a part of a rule. Whatever else stands there is refused by name.

/** One directive: `name argument …;`, or with a block. */
export interface Directive {
  readonly name: string;
  /** Quotes taken off. */
  readonly args: readonly string[];
  readonly block?: readonly Directive[];
  /** From 1, in the snippet. */
  readonly line: number;
}

/** Why a snippet cannot be read: `line 2: …`. */
export class SnippetError extends Error {
  constructor(line: number, why: string) {
    super(`line ${line}: ${why}`);
  }
}

/** How deep blocks may stand in each other. */
const maxDepth = 4;

interface Token {
  readonly kind: 'word' | ';' | '{' | '}';
  readonly text: string;
  readonly line: number;
}

/** The directives of a text, as nginx's own parser has them (ngx_conf_read_token). Throws a SnippetError. */
export function parseSnippet(text: string): readonly Directive[] {
  const tokens = tokensOf(text);
  let at = 0;
  const block = (depth: number): Directive[] => {
    const found: Directive[] = [];
    let words: Token[] = [];
    for (; at < tokens.length; at++) {
      const token = tokens[at]!;
      if (token.kind === 'word') {
        words.push(token);
        continue;
      }
      if (token.kind === '}') {
        if (words.length > 0) throw new SnippetError(token.line, `'${words[0]!.text}' does not end with ;`);
        if (depth === 0) throw new SnippetError(token.line, 'there is a } without a {');
        return found;
      }
      const [name, ...args] = words;
      if (name === undefined)
        throw new SnippetError(token.line, `there is a ${token.kind} without a directive`);
      const directive = { name: name.text, args: args.map(each => each.text), line: name.line };
      words = [];
      if (token.kind === ';') {
        found.push(directive);
        continue;
      }
      if (name.text !== 'if' && name.text !== 'location')
        throw new SnippetError(name.line, `the directive ${name.text} is not carried out`);
      if (depth === maxDepth) throw new SnippetError(token.line, 'blocks stand too deep in each other');
      at++;
      found.push({ ...directive, block: block(depth + 1) });
    }
    const open = words[0];
    if (open !== undefined) throw new SnippetError(open.line, `'${open.text}' does not end with ;`);
    if (depth > 0) throw new SnippetError(tokens.at(-1)!.line, 'there is a { without a }');
    return found;
  };
  return block(0);
}

function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = [];
  let line = 1;
  let at = 0;
  while (at < text.length) {
    const char = text[at]!;
    if (char === '\n') line++;
    if (/\s/.test(char)) at++;
    else if (char === '#') while (at < text.length && text[at] !== '\n') at++;
    else if (char === ';' || char === '{' || char === '}') {
      tokens.push({ kind: char, text: char, line });
      at++;
    } else {
      const [word, end] = char === '"' || char === "'" ? quoted(text, at, line) : bare(text, at);
      tokens.push({ kind: 'word', text: word, line });
      for (; at < end; at++) if (text[at] === '\n') line++;
    }
  }
  return tokens;
}

function quoted(text: string, start: number, line: number): readonly [word: string, end: number] {
  const quote = text[start]!;
  let word = '';
  for (let at = start + 1; at < text.length; at++) {
    const char = text[at]!;
    if (char === quote) return [word, at + 1];
    if (char === '\\' && at + 1 < text.length) {
      const next = text[++at]!;
      // As nginx: these are themselves without their backslash, \t \r \n are what they are elsewhere, all others keep it.
      word +=
        next === quote || next === '\\' || next === '"' || next === "'"
          ? next
          : (escapes[next] ?? `\\${next}`);
    } else word += char;
  }
  throw new SnippetError(line, `a ${quote} is not closed`);
}

const escapes: Readonly<Record<string, string>> = { t: '\t', r: '\r', n: '\n' };

function bare(text: string, start: number): readonly [word: string, end: number] {
  let at = start;
  let word = '';
  while (at < text.length && !/[\s;]/.test(text[at]!)) {
    const char = text[at]!;
    // `${name}` is a variable, any other brace opens a block; those of a regular expression want quotes, as in nginx.
    if (char === '{' && text[at - 1] !== '$') break;
    if (char === '\\' && at + 1 < text.length) word += text[at++]!;
    word += text[at++]!;
  }
  return [word, at];
}
