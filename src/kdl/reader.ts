import type { KdlDocument, KdlNode, KdlProblem, TextPosition } from './document.ts';
import { type LineEnd, lineEnds } from './lines.ts';
import { parseKdl } from './parse.ts';

/** Characters of a block above which its children are read each on its own. */
const LARGE_BLOCK = 2_048;

/** Blocks in blocks that are opened so. */
const MOST_DEPTH = 8;

/** The line that opens a block, and nothing else; the one that closes it. */
const opens = /\{[ \t]*\r?\n$/;
const closes = /^[ \t]*\}[ \t;]*\r?\n?$/;

/** A part of a text, read as if it began at `line`. */
interface Part {
  readonly line: number;
  readonly document: KdlDocument;
}

/** Lines from `begin` (an offset, the number of a line, an index of ends) on, and the index behind the last. */
interface Lines {
  readonly begin: number;
  readonly first: number;
  readonly behind: number;
}

/**
 * Reads one file again and again: what did not change since the last time is not parsed again, node by node. Its documents are
 * those of `parseKdl`. It keeps the parts of the last text, no more.
 */
export class KdlReader {
  readonly #file: string;
  #parts: ReadonlyMap<string, Part> = new Map();

  constructor(file: string) {
    this.#file = file;
  }

  /** The document of what the file says now. Never throws. */
  read(text: string): KdlDocument {
    const reading = new Reading(text, this.#file, this.#parts);
    const document = reading.document();
    if (document !== undefined) this.#parts = reading.parts;
    return document ?? parseKdl(text, this.#file);
  }
}

/** A text in parts that cannot be read so: all of it has to be. */
class NotInParts extends Error {}

/** One reading of a text. */
class Reading {
  readonly #text: string;
  readonly #file: string;
  readonly #before: ReadonlyMap<string, Part>;
  #ends: readonly LineEnd[] = [];
  #problems: KdlProblem[] = [];
  /** Lines before what is read next. */
  #line = 1;
  readonly parts = new Map<string, Part>();

  constructor(text: string, file: string, before: ReadonlyMap<string, Part>) {
    this.#text = text;
    this.#file = file;
    this.#before = before;
  }

  /** Undefined where only the whole can be read: what is wrong with it is told of the whole. */
  document(): KdlDocument | undefined {
    // A lone carriage return ends a line, too, for whoever counts them; a byte order mark may only be where a text begins.
    const ends = /\r(?!\n)|\uFEFF/.test(this.#text) ? undefined : lineEnds(this.#text);
    if (ends === undefined) return undefined;
    this.#ends = ends;
    try {
      return { nodes: this.#nodes({ begin: 0, first: 0, behind: ends.length }, 0), problems: this.#problems };
    } catch (error) {
      if (error instanceof NotInParts) return undefined;
      throw error;
    }
  }

  #nodes({ begin, first, behind }: Lines, depth: number): readonly KdlNode[] {
    const nodes: KdlNode[] = [];
    let from = begin;
    let start = first;
    for (let index = first; index < behind; index++) {
      const each = this.#ends[index]!;
      if (each.depth < depth) throw new NotInParts();
      if (each.depth > depth) continue;
      const isLarge = depth < MOST_DEPTH && each.end - from > LARGE_BLOCK;
      const block = isLarge ? this.#block(from, start, index, depth) : undefined;
      if (block) nodes.push(block);
      else for (const node of this.#part(this.#text.slice(from, each.end))) nodes.push(node);
      from = each.end;
      start = index + 1;
    }
    if (start !== behind) throw new NotInParts();
    return nodes;
  }

  /** The node of a block that opens on the line `first` and closes on the line `last`, where it is that simple. */
  #block(begin: number, first: number, last: number, depth: number): KdlNode | undefined {
    const opening = this.#ends[first]!;
    const inside = this.#ends[last - 1]!;
    const head = this.#text.slice(begin, opening.end);
    const isSimple = opening.depth === depth + 1 && opens.test(head) && !head.includes('/-');
    if (!isSimple || inside.depth !== depth + 1) return undefined;
    if (!closes.test(this.#text.slice(inside.end, this.#ends[last]!.end))) return undefined;
    const nodes = this.#part(head.replace(opens, '{}\n'));
    const [node] = nodes;
    if (node === undefined || nodes.length > 1) throw new NotInParts();
    const children = this.#nodes({ begin: opening.end, first: first + 1, behind: last }, depth + 1);
    this.#line++;
    return { ...node, children };
  }

  #part(text: string): readonly KdlNode[] {
    const line = this.#line;
    this.#line += text.split('\n').length - 1;
    if (text.trim() === '') return [];
    const known = this.parts.get(text) ?? this.#before.get(text);
    const part = known ? placed(known, line) : this.#parsed(text, line);
    this.parts.set(text, part);
    for (const problem of part.document.problems) this.#problems.push(problem);
    return part.document.nodes;
  }

  #parsed(text: string, line: number): Part {
    // A copy: what the parser cuts out of the text would hold all of the file as it was.
    const copy = Buffer.from(text, 'utf16le').toString('utf16le');
    const document = parseKdl(copy, this.#file);
    // What is v1 by its strings is so as a whole.
    if (document.problems.some(each => each.code !== 'kdl-v1-keyword')) throw new NotInParts();
    return placed({ line: 1, document }, line);
  }
}

/** The same part at another line. */
function placed(part: Part, line: number): Part {
  const by = line - part.line;
  if (by === 0) return part;
  const at = (place: TextPosition): TextPosition => ({ ...place, line: place.line + by });
  const node = (each: KdlNode): KdlNode => ({
    ...each,
    at: at(each.at),
    args: each.args.map(arg => ({ ...arg, at: at(arg.at) })),
    properties: each.properties.map(entry => ({ ...entry, at: at(entry.at), nameAt: at(entry.nameAt) })),
    children: each.children.map(node),
  });
  const { nodes, problems } = part.document;
  return {
    line,
    document: { nodes: nodes.map(node), problems: problems.map(each => ({ ...each, at: at(each.at) })) },
  };
}
