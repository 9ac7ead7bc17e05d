/** Longest pattern that is taken. */
const maxLength = 4096;
/** As in RE2: `{n,m}`, and all of those around each other multiplied, up to this. */
const maxRepeat = 1000;

interface Group {
  /** Repetitions inside of it, multiplied. */
  inside: number;
}

/**
 * Why a pattern is no regular expression of RE2 (github.com/google/re2/wiki/Syntax), as far as can be told without compiling it;
 * undefined where nothing speaks against it. Whoever compiles the pattern has the last word. Patterns that RE2 refuses because
 * they would grow huge are refused here too, so that a bad one is found where it is written.
 */
export function regexProblem(pattern: string): string | undefined {
  if (pattern.length > maxLength)
    return `has ${pattern.length} characters; ${maxLength} is the most, split it`;
  return new Scanner(pattern).scan();
}

class Scanner {
  readonly #text: string;
  #at = 0;
  /** Whether there is something before that a `*` can repeat, and how often it repeats something itself. */
  #atom: number | undefined;
  readonly #groups: Group[] = [{ inside: 1 }];

  constructor(text: string) {
    this.#text = text;
  }

  scan(): string | undefined {
    while (this.#at < this.#text.length) {
      const problem = this.#step(this.#text[this.#at]!);
      if (problem !== undefined) return problem;
    }
    return this.#groups.length > 1 ? 'has a ( without a )' : undefined;
  }

  #step(char: string): string | undefined {
    switch (char) {
      case '\\':
        return this.#escape();
      case '[':
        return this.#class();
      case '(':
        return this.#open();
      case ')':
        return this.#close();
      case '|':
        this.#at++;
        this.#atom = undefined;
        return undefined;
      case '*':
      case '+':
      case '?':
        return this.#repeat(char, 1, 1);
      case '{':
        return this.#bounded();
      default:
        this.#at++;
        this.#atom = 1;
        return undefined;
    }
  }

  #escape(): string | undefined {
    const next = this.#text[this.#at + 1];
    if (next === undefined) return 'ends with a single \\';
    if (next >= '1' && next <= '9') return `has the backreference \\${next}, which RE2 does not have`;
    if ('ZGXKRckg'.includes(next)) return `has \\${next}, which RE2 does not have`;
    if (next === 'Q') {
      const end = this.#text.indexOf('\\E', this.#at);
      this.#at = end < 0 ? this.#text.length : end + 2;
    } else this.#at += 2;
    this.#atom = 1;
    return undefined;
  }

  #class(): string | undefined {
    let at = this.#at + 1;
    if (this.#text[at] === '^') at++;
    if (this.#text[at] === ']') at++;
    while (at < this.#text.length && this.#text[at] !== ']') {
      const named = /^\[:\^?[a-z]+:\]/.exec(this.#text.slice(at, at + 16));
      at += named ? named[0].length : this.#text[at] === '\\' ? 2 : 1;
    }
    if (at >= this.#text.length) return 'has a [ without a ]';
    this.#at = at + 1;
    this.#atom = 1;
    return undefined;
  }

  #open(): string | undefined {
    const special = /^\(\?(<?[=!]|>|#|\||R|&|\d|P[>=]|[imsU-]+[):]|:|P?<[A-Za-z_]\w*>)?/.exec(
      this.#text.slice(this.#at, this.#at + 64),
    );
    const kind = special?.[1];
    if (kind !== undefined && /^<?[=!]$/.test(kind))
      return `has the lookaround (?${kind}, which RE2 does not have`;
    if (special && (kind === undefined || !/^([imsU-]+[):]|:|P?<\w+>)$/.test(kind)))
      return `has a group (?${this.#text[this.#at + 2] ?? ''} that RE2 does not have`;
    this.#at += special ? special[0].length : 1;
    this.#atom = undefined;
    // `(?i)` sets flags and is no group.
    if (!kind?.endsWith(')')) this.#groups.push({ inside: 1 });
    return undefined;
  }

  #close(): string | undefined {
    if (this.#groups.length === 1) return 'has a ) without a (';
    const { inside } = this.#groups.pop()!;
    this.#at++;
    this.#atom = inside;
    this.#noteInside(inside);
    return undefined;
  }

  /** `{2,5}`; a brace that is none of these stands for itself. */
  #bounded(): string | undefined {
    const found = /^\{(\d+)(,(\d*))?\}/.exec(this.#text.slice(this.#at, this.#at + 32));
    if (!found) {
      this.#at++;
      this.#atom = 1;
      return undefined;
    }
    const [whole, from = '', , to = ''] = found;
    const least = Number(from);
    const most = to === '' ? least : Number(to);
    if (most < least) return `has ${whole}, whose end is before its beginning`;
    return this.#repeat(whole, Math.max(least, most), whole.length);
  }

  #repeat(what: string, times: number, length: number): string | undefined {
    if (this.#atom === undefined) return `has ${what} with nothing before it to repeat`;
    const all = this.#atom * Math.max(1, times);
    if (all > maxRepeat) return `repeats ${what} more than ${maxRepeat} times in all, which RE2 does not do`;
    this.#at += length;
    if (this.#text[this.#at] === '?') this.#at++;
    const next = this.#text[this.#at];
    if (next === '*' || next === '+') return `has ${what}${next}, which RE2 does not have`;
    this.#noteInside(all);
    this.#atom = all;
    return undefined;
  }

  #noteInside(times: number): void {
    const group = this.#groups.at(-1)!;
    group.inside = Math.max(group.inside, times);
  }
}
