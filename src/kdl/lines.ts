// Where a text can be cut so that each part is a document of its own: at the ends of lines between nodes. It is careful, not
// complete: a text with what makes that hard to tell (strings over several lines, v1's raw strings …) is not cut at all.

/** The end of a line at which nothing is open but blocks. */
export interface LineEnd {
  /** Offset after the line's end. */
  readonly end: number;
  /** Blocks that are open there. */
  readonly depth: number;
}

/** What has a meaning to where nodes end; what is between is skipped. */
const marks = /"|#+"|\/\/|\/\*|\/-|\\|\{|\}|\n/g;

/** What `/-` may not have behind it: then it is about another line, or about the document. */
const farSlashdash = /[ \t]*(?:$|[\r\n/\\]|kdl-version)/y;

/** All ends of lines where a text can be cut, the text's own end the last; undefined where it cannot be told. */
export function lineEnds(text: string): readonly LineEnd[] | undefined {
  const ends: LineEnd[] = [];
  let depth = 0;
  const scan = new RegExp(marks);
  for (let match = scan.exec(text); match !== null; match = scan.exec(text)) {
    const [mark] = match;
    if (mark === '\n') ends.push({ end: scan.lastIndex, depth });
    else if (mark === '{') depth++;
    else if (mark === '}') depth--;
    else {
      const after = afterMark(text, mark, scan.lastIndex);
      if (after === undefined) return undefined;
      scan.lastIndex = after;
    }
    if (depth < 0) return undefined;
  }
  if (depth !== 0) return undefined;
  if (ends.at(-1)?.end !== text.length) ends.push({ end: text.length, depth });
  return ends;
}

/** Where the string, comment or continued line ends that a mark begins; undefined where that is not on its line. */
function afterMark(text: string, mark: string, from: number): number | undefined {
  if (mark === '/*') return afterComment(text, from);
  const newline = text.indexOf('\n', from);
  const line = newline < 0 ? text.length : newline;
  if (mark === '//') return line;
  if (mark === '\\') return Math.min(line + 1, text.length);
  if (mark === '/-') {
    farSlashdash.lastIndex = from;
    return farSlashdash.test(text) ? undefined : from;
  }
  if (text.startsWith('""', from) || isRawOfV1(text, from - mark.length)) return undefined;
  if (mark === '"') {
    for (let at = from; at < line; at++) {
      if (text[at] === '"') return at + 1;
      if (text[at] === '\\') at++;
    }
    return undefined;
  }
  const close = `"${mark.slice(0, -1)}`;
  const end = text.indexOf(close, from);
  return end < 0 || end >= line ? undefined : end + close.length;
}

/** Whether an `r` of its own stands before a string. */
function isRawOfV1(text: string, begin: number): boolean {
  return text[begin - 1] === 'r' && !/\w/.test(text[begin - 2] ?? ' ');
}

/** Block comments nest. */
function afterComment(text: string, from: number): number | undefined {
  const either = /\/\*|\*\//g;
  either.lastIndex = from;
  let depth = 1;
  for (let match = either.exec(text); match !== null; match = either.exec(text)) {
    depth += match[0] === '/*' ? 1 : -1;
    if (depth === 0) return either.lastIndex;
  }
  return undefined;
}
