// A text that is neither KDL v1 nor v2, because it mixes the two: most people learned `true` from examples of v1 and one-line
// blocks from those of v2. What v1 wrote otherwise is rewritten in place; everything else is left to the parser.

/** A text of KDL v2, and how places in it lead back to the text that it was made of. */
export interface LenientText {
  readonly text: string;
  /** The words of v1 that were rewritten, by their offset in the original text. */
  readonly rewritten: readonly { readonly offset: number; readonly word: string }[];
  /** Where the first string begins that its line does not end; undefined where all are ended. */
  readonly unended: number | undefined;
  /** Offset in `text` → offset in the original. */
  originalOffset(offset: number): number;
}

const WORDS: ReadonlySet<string> = new Set(['true', 'false', 'null']);

/** Ends a bare word: white space, and the characters that KDL gives a meaning. */
const endsWord = /[\s(){}[\]/\\"#;=]/;

/**
 * Rewrites the keywords of v1 (`true`, `false`, `null`) where they are arguments or values, and its raw strings (`r#"…"#`), as v2
 * writes them. Strings, comments and names are left alone.
 */
export function lenientText(original: string): LenientText {
  const scan = new Scan(original);
  while (!scan.ended) scan.step();
  return scan.result();
}

/** One pass over a text. */
class Scan {
  readonly #text: string;
  #at = 0;
  /** Whether what comes next names a node: at the beginning, after a line's end, `;`, `{` or `}`. */
  #nameIsNext = true;
  #out = '';
  #unended: number | undefined;
  /** How far `#text` is in `#out`. */
  #copied = 0;
  readonly #rewritten: { offset: number; word: string }[] = [];
  /** Where `#out` and `#text` part: from `out` on, offsets differ by `shift`. */
  readonly #shifts: { readonly out: number; readonly shift: number }[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  get ended(): boolean {
    return this.#at >= this.#text.length;
  }

  step(): void {
    const text = this.#text;
    const at = this.#at;
    const letter = text[at]!;
    if (text.startsWith('//', at)) this.#skipTo('\n', false);
    else if (text.startsWith('/*', at)) this.#skipComment();
    else if (text.startsWith('/-', at)) this.#at += 2;
    else if (letter === '"') this.#skipString();
    else if (letter === '#') this.#skipRaw(at);
    else if (letter === '\\') this.#skipTo('\n', true);
    else if (letter === '\n' || letter === ';' || letter === '{' || letter === '}') {
      this.#nameIsNext = true;
      this.#at++;
    } else if (endsWord.test(letter)) this.#at++;
    else this.#word();
  }

  result(): LenientText {
    const shifts = this.#shifts;
    return {
      text: this.#out + this.#text.slice(this.#copied),
      rewritten: this.#rewritten,
      unended: this.#unended,
      originalOffset: offset => {
        // Every name and value asks: shifts are in order, and the last one at or before the offset counts.
        let low = 0;
        let high = shifts.length;
        while (low < high) {
          const middle = (low + high) >> 1;
          if (shifts[middle]!.out <= offset) low = middle + 1;
          else high = middle;
        }
        return offset - (shifts[low - 1]?.shift ?? 0);
      },
    };
  }

  #word(): void {
    const begin = this.#at;
    const text = this.#text;
    let end = begin;
    while (end < text.length && !endsWord.test(text[end]!)) end++;
    const word = text.slice(begin, end);
    const isName = this.#nameIsNext || text[end] === '=';
    if (word === 'r' && /^#*"/.test(text.slice(end, end + 20))) {
      this.#rewrite(begin, end, text[end] === '"' ? '#' : '', 'r"…"');
      // v1's r"…" has no hash; v2's raw strings have at least one on both sides.
      const bare = text[end] === '"';
      const close = this.#skipRaw(end);
      if (bare) this.#rewrite(close, close, '#', undefined);
    } else {
      if (WORDS.has(word) && !isName) this.#rewrite(begin, begin, '#', word);
      this.#at = end;
    }
    this.#nameIsNext = false;
  }

  /** What stands in [from, to) becomes `by`. */
  #rewrite(from: number, to: number, by: string, word: string | undefined): void {
    this.#out += this.#text.slice(this.#copied, from) + by;
    this.#copied = to;
    const before = this.#shifts.at(-1)?.shift ?? 0;
    // What stands in place of something longer begins where that did.
    const out = this.#out.length + (by.length < to - from ? 1 : 0);
    this.#shifts.push({ out, shift: before + by.length - (to - from) });
    if (word !== undefined) this.#rewritten.push({ offset: from, word });
  }

  #skipTo(what: string, including: boolean): void {
    const found = this.#text.indexOf(what, this.#at);
    this.#at = found < 0 ? this.#text.length : found + (including ? what.length : 0);
  }

  /** Block comments nest. */
  #skipComment(): void {
    let depth = 0;
    do {
      if (this.#text.startsWith('/*', this.#at)) depth++;
      else if (this.#text.startsWith('*/', this.#at)) depth--;
      else {
        this.#at++;
        continue;
      }
      this.#at += 2;
    } while (depth > 0 && !this.ended);
  }

  #skipString(): void {
    this.#nameIsNext = false;
    if (this.#text.startsWith('"""', this.#at)) {
      this.#at += 3;
      this.#skipTo('"""', true);
      return;
    }
    const begin = this.#at++;
    while (!this.ended && this.#text[this.#at] !== '"') {
      if (this.#text[this.#at] === '\n') this.#unended ??= begin;
      this.#at += this.#text[this.#at] === '\\' ? 2 : 1;
    }
    if (this.ended) this.#unended ??= begin;
    this.#at++;
  }

  /** `#"…"#`, `##"…"##`, or a keyword of v2. The offset after it. */
  #skipRaw(from: number): number {
    this.#nameIsNext = false;
    let end = from;
    while (this.#text[end] === '#') end++;
    const hashes = this.#text.slice(from, end);
    this.#at = end;
    if (this.#text[end] === '"') {
      this.#at++;
      this.#skipTo(`"${hashes}`, true);
    } else while (!this.ended && !endsWord.test(this.#text[this.#at]!)) this.#at++;
    return this.#at;
  }
}
