// Kubernetes YAML as text that people wrote: read into values, changed in place by JSON Patch, and printed so that what was
// not changed stays as it was: other documents byte for byte, comments and order of keys inside changed ones.

import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  parseAllDocuments,
  type Scalar,
  type Tags,
  visit,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import type { PatchOperation } from '../../webhook/index.ts';
import { errorMessage } from '../errors/index.ts';
import { isRecord } from '../plain/index.ts';
import { kubeValue, quotedTemplateWords, templateWords, toolFile } from '../source/index.ts';

/** One document of a file. */
export interface YamlText {
  readonly value: unknown;
  /** `shop.yaml:12`, where its content starts. */
  readonly origin: string;
  /** The document as it was written, with what stands before it. */
  readonly source: string;
  /** Whether `print` cannot keep comments, because the document uses anchors. */
  readonly hasAnchors: boolean;
  /** Keys that stand twice in one map: the last one counts, as with kubectl. */
  readonly twice: readonly string[];
  /** The document with the patch applied, as text. Call it once. */
  print(patch: readonly PatchOperation[], after: unknown): string;
}

/** The documents of a file, or one line per mistake: `shop.yaml:3:7: what is wrong`. */
export function readYamlText(name: string, text: string): { documents: YamlText[]; mistakes: string[] } {
  const lines = new LineCounter();
  const parsed = parseAllDocuments(text, {
    // For printing; what it means is kubeValue's to say.
    version: '1.1',
    customTags: kubernetesTags,
    lineCounter: lines,
    uniqueKeys: false,
    prettyErrors: true,
    logLevel: 'silent',
  });
  const documents: YamlText[] = [];
  const mistakes: string[] = [];
  if (parsed.length === 0 && text !== '') documents.push(nothing(text, name));
  const control = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/.exec(text);
  if (control) {
    const { line, col } = lines.linePos(control.index);
    mistakes.push(
      `${name}:${line}:${col}: a control character, which YAML does not allow; is this a binary file?`,
    );
    return { documents, mistakes };
  }
  let from = 0;
  for (const [index, document] of parsed.entries()) {
    const to = index === parsed.length - 1 ? text.length : document.range[2];
    const at = lines.linePos(document.contents?.range?.[0] ?? document.range[0]);
    for (const { message, linePos } of document.errors) {
      const where = linePos?.[0] ?? at;
      mistakes.push(`${name}:${where.line}:${where.col}: ${firstLine(message)}`);
    }
    const source = text.slice(from, to);
    from = to;
    if (document.errors.length > 0) continue;
    try {
      const read = documentOf(document as Document, source, `${name}:${at.line}`, text);
      documents.push(read);
      const other = read.value === null ? undefined : otherFile(read.value, name);
      if (other) mistakes.push(`${name}:${at.line}:${at.col}: ${other}`);
      if (other || read.value === null || isRecord(read.value)) continue;
      const what = Array.isArray(read.value) ? 'a list' : `a ${typeof read.value}`;
      mistakes.push(
        `${name}:${at.line}:${at.col}: not a Kubernetes object (a map with apiVersion and kind) but ${what}`,
      );
    } catch (error) {
      mistakes.push(`${name}:${at.line}:${at.col}: ${firstLine(errorMessage(error))}`);
    }
  }
  return { documents, mistakes: templateMistake(name, text, mistakes) ?? mistakes };
}

/** What the document is, where it is readable and yet nothing that kubectl takes; undefined for objects. */
function otherFile(value: unknown, name: string): string | undefined {
  if (!isRecord(value)) return undefined;
  return toolFile(value, name)?.words ?? quotedTemplateWords(value as object, name);
}

/** One mistake for all those of a template. */
function templateMistake(name: string, text: string, mistakes: readonly string[]): string[] | undefined {
  const words = mistakes.length === 0 ? undefined : templateWords(text, name);
  if (words === undefined) return undefined;
  const before = text.slice(0, text.indexOf('{{')).split('\n');
  return [`${name}:${before.length}:${before.at(-1)!.length + 1}: ${words}`];
}

function kubernetesTags(tags: Tags): Tags {
  return tags.filter(
    tag =>
      typeof tag === 'string' ||
      !(tag.tag.endsWith(':timestamp') || ('format' in tag && tag.format === 'TIME')),
  );
}

function firstLine(message: string): string {
  return message.split('\n')[0]!.replace(/ at line \d+, column \d+:$/, '');
}

/** Text without any document: comments, blank lines. */
function nothing(source: string, name: string): YamlText {
  return { value: null, origin: `${name}:1`, source, hasAnchors: false, twice: [], print: () => source };
}

function documentOf(document: Document, source: string, origin: string, text: string): YamlText {
  let hasAnchors = false;
  let padding: boolean | undefined;
  visit(document, {
    Alias: () => {
      hasAnchors = true;
    },
    Pair: (_, { key }) => {
      if (isScalar(key) && key.source === '<<') hasAnchors = true;
    },
    Collection: (_, { flow, items, range }) => {
      if (flow && items.length > 0 && range) padding ??= /\s/.test(text[range[0] + 1] ?? '');
    },
    Scalar: (_, scalar) => keepLargeInteger(scalar),
  });
  const { value, duplicates } = kubeValue(document, true);
  return {
    value,
    twice: duplicates.map(({ key }) => key),
    origin,
    source,
    hasAnchors,
    print(patch, after) {
      if (isJson(source)) return `${JSON.stringify(after, rawIntegers, 2)}\n`;
      // An anchor's content stands in several places; a change in one of them cannot be written into the text.
      if (hasAnchors) document.contents = document.createNode(after, { aliasDuplicateObjects: false });
      else for (const operation of patch) apply(document, operation);
      return document.toString({
        lineWidth: 0,
        indentSeq: hasIndentedLists(source),
        flowCollectionPadding: padding ?? true,
      });
    },
  };
}

/** A number above 2^53 would be rounded on its way through. */
function keepLargeInteger(scalar: Scalar): void {
  const { value, source } = scalar;
  if (typeof value !== 'number' || Number.isSafeInteger(value) || !/^[+-]?[1-9]\d*$/.test(source ?? ''))
    return;
  scalar.value = BigInt(source!);
}

function rawIntegers(_key: string, value: unknown): unknown {
  // TypeScript does not know JSON.rawJSON yet (ECMAScript proposal json-parse-with-source, in Node since 21).
  const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };
  return typeof value === 'bigint' ? rawJSON(String(value)) : value;
}

function isJson(source: string): boolean {
  if (!source.trimStart().startsWith('{')) return false;
  try {
    JSON.parse(source);
    return true;
  } catch {
    return false;
  }
}

/** Whether lists are indented below their key (`kubectl` does not). */
function hasIndentedLists(source: string): boolean {
  const lines = source.split('\n').filter(line => line.trim() !== '' && !line.trimStart().startsWith('#'));
  for (let index = 1; index < lines.length; index++) {
    const item = /^( *)- /.exec(lines[index]!);
    const key = /^( *(?:- )*)[^\s-][^#]*:\s*(?:#.*)?$/.exec(lines[index - 1]!);
    if (item && key) return item[1]!.length > key[1]!.length;
  }
  return true;
}

function apply(document: Document, operation: PatchOperation): void {
  const keys = operation.path
    .slice(1)
    .split('/')
    .map(key => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  const last = keys.pop()!;
  let parent: unknown = document.contents;
  const ancestors: unknown[] = [parent];
  for (const key of keys) {
    parent = isSeq(parent)
      ? parent.items[Number(key)]
      : isMap(parent)
        ? pairOf(parent, key)?.value
        : undefined;
    ancestors.push(parent);
  }
  if (operation.op === 'add') for (const node of ancestors) if (isCollection(node)) node.flow = false;
  if (isSeq(parent)) applyToList(document, parent, Number(last), operation);
  else if (isMap(parent)) applyToMap(document, parent, last, operation);
}

function pairOf(map: YAMLMap, key: string): Pair | undefined {
  // Of two the last one counts.
  return map.items.findLast(pair => isPair(pair) && isScalar(pair.key) && String(pair.key.value) === key);
}

function applyToList(document: Document, list: YAMLSeq, index: number, operation: PatchOperation): void {
  if (operation.op === 'remove') {
    list.items.splice(index, 1);
    return;
  }
  if (operation.op === 'add' && index === 0) lowerComment(list);
  list.items.splice(index, operation.op === 'add' ? 0 : 1, document.createNode(operation.value));
}

/** A comment above the first element belongs to that element, and moves down with it. */
function lowerComment(list: YAMLSeq): void {
  const first = list.items[0];
  if (!list.commentBefore || !(isCollection(first) || isScalar(first) || isAlias(first))) return;
  first.commentBefore = [list.commentBefore, first.commentBefore].filter(Boolean).join('\n');
  list.commentBefore = undefined;
}

function applyToMap(document: Document, map: YAMLMap, key: string, operation: PatchOperation): void {
  const pair = pairOf(map, key);
  if (operation.op === 'remove') {
    map.items = map.items.filter(entry => entry !== pair);
  } else if (!pair) {
    map.items.push(document.createPair(key, operation.value));
  } else {
    const node = document.createNode(operation.value);
    if (isScalar(pair.value) && isScalar(node)) node.comment = pair.value.comment;
    pair.value = node;
  }
}
