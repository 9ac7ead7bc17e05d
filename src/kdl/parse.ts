import {
  type Document,
  type Entry,
  getLocation,
  InvalidKdlError,
  type Node,
  parse as parseV2,
} from '@bgotink/kdl';
import { parse as parseV1 } from '@bgotink/kdl/v1-compat';
import type { KdlDocument, KdlNode, KdlProblem, KdlProperty, KdlValue, TextPosition } from './document.ts';
import { lenientText } from './lenient.ts';

/** Most errors that are told of one text; what follows is mostly caused by the first. */
const MOST_ERRORS = 10;

/** Bytes of a configuration that a person wrote; above that it is some other file. */
const MOST_CHARACTERS = 4 << 20;

/**
 * Reads KDL: v2, or v2 with the keywords of v1 (a warning for each, `kdl-v1-keyword`), or v1 (one warning, `kdl-v1`). Syntax
 * errors are `kdl-syntax` with their places. Never throws.
 */
export function parseKdl(text: string, file: string): KdlDocument {
  const places = new Places(text, file);
  if (text.length > MOST_CHARACTERS) {
    const message = `the file has ${text.length} characters, and a configuration at most ${MOST_CHARACTERS}`;
    return { nodes: [], problems: [{ severity: 'error', code: 'kdl-syntax', message, at: places.at(0) }] };
  }
  const v2 = attempt(() => parseV2(text, { storeLocations: true }));
  if (v2.document) return { nodes: nodesOf(v2.document, places), problems: [] };
  const lenient = lenientText(text);
  places.originalOffset = lenient.originalOffset;
  const mixed =
    lenient.rewritten.length > 0 ? attempt(() => parseV2(lenient.text, { storeLocations: true })) : v2;
  if (mixed.document) {
    const problems = lenient.rewritten.map(({ offset, word }): KdlProblem => {
      const v2Word = word.startsWith('r') ? '#"…"#' : `#${word}`;
      const message = `${word} is KDL v1; read as ${v2Word}, which is how v2 writes it`;
      return { severity: 'warning', code: 'kdl-v1-keyword', message, at: places.original(offset) };
    });
    return { nodes: nodesOf(mixed.document, places), problems };
  }
  const v1Places = new Places(text, file);
  const v1 = attempt(() => parseV1(text, { storeLocations: true }));
  if (v1.document) {
    const message =
      'read as KDL v1, which it is by its strings; v2 is what is written today (https://kdl.dev)';
    const problem: KdlProblem = { severity: 'warning', code: 'kdl-v1', message, at: v1Places.at(0) };
    return { nodes: nodesOf(v1.document, v1Places), problems: [problem] };
  }
  return { nodes: [], problems: errorsOf(mixed.error, places, lenient.unended) };
}

type Attempt =
  | { readonly document: Document; readonly error?: undefined }
  | { readonly document?: undefined; readonly error: unknown };

function attempt(parse: () => Document): Attempt {
  try {
    return { document: parse() };
  } catch (error) {
    return { error };
  }
}

function errorsOf(error: unknown, places: Places, unended: number | undefined): readonly KdlProblem[] {
  if (unended !== undefined) {
    const message = 'the string that begins here is not ended on its line; end it with a quotation mark';
    return [{ severity: 'error', code: 'kdl-syntax', message, at: places.original(unended) }];
  }
  const errors = error instanceof InvalidKdlError ? [...error.flat()] : [error];
  // The parser calls itself for each level, and wraps what comes of that as a fault of its own.
  if (errors.some(each => String(each).includes('Maximum call stack size exceeded'))) {
    const message = 'blocks stand in blocks too deeply to be read; is a } missing in what wrote this file?';
    return [{ severity: 'error', code: 'kdl-syntax', message, at: places.original(0) }];
  }
  return errors.slice(0, MOST_ERRORS).map(each => {
    const offset = each instanceof InvalidKdlError ? (each.start ?? each.token?.start)?.offset : undefined;
    const words = (each instanceof Error ? each.message : String(each)).replace(/\s+at \d+:\d+$/, '');
    const message = `${words.charAt(0).toLowerCase()}${words.slice(1)}`;
    return { severity: 'error', code: 'kdl-syntax', message, at: places.at(offset ?? 0) };
  });
}

/** Offsets of a text as lines and columns. */
class Places {
  readonly #file: string;
  /** Offset at which each line begins. */
  readonly #lines: readonly number[];
  originalOffset: (offset: number) => number = offset => offset;

  constructor(text: string, file: string) {
    this.#file = file;
    this.#lines = [0, ...Array.from(text.matchAll(/\r\n|\n|\r/g), match => match.index + match[0].length)];
  }

  /** Of an offset that the parser gave. */
  at(offset: number): TextPosition {
    return this.original(this.originalOffset(offset));
  }

  /** Of an offset in the text as it was written. */
  original(offset: number): TextPosition {
    let low = 0;
    let high = this.#lines.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#lines[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return { file: this.#file, line: low + 1, column: offset - this.#lines[low]! + 1 };
  }
}

function nodesOf(document: Document, places: Places): readonly KdlNode[] {
  return document.nodes.map(node => nodeOf(node, places));
}

function nodeOf(node: Node, places: Places): KdlNode {
  const properties = node.getPropertyEntries().map(
    (entry): KdlProperty => ({
      ...placedValue(entry, places),
      name: entry.getName() ?? '',
      nameAt: places.at(offsetOf(entry.name ?? entry)),
    }),
  );
  return {
    name: node.getName(),
    at: places.at(offsetOf(node.name)),
    args: node.getArgumentEntries().map(entry => placedValue(entry, places)),
    properties,
    children: node.children === null ? [] : nodesOf(node.children, places),
  };
}

function placedValue(entry: Entry, places: Places): KdlValue {
  return { value: entry.getValue(), at: places.at(offsetOf(entry.value)) };
}

function offsetOf(element: Parameters<typeof getLocation>[0]): number {
  return getLocation(element)?.start.offset ?? 0;
}
