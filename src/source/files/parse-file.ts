import { type Document, isMap, isSeq, LineCounter, type Node } from 'yaml';
import { type Problem, problem } from '../../model/index.ts';
import { type KubeObject, readObject } from '../../registry/index.ts';
import { type KubeYaml, kubeValue, parseKubeYaml } from './kube-yaml.ts';
import { quotedTemplateWords, templateWords, toolFile } from './not-manifests.ts';

/** An object and the line of its file where it begins, counted from 1. */
export interface ParsedObject {
  readonly object: KubeObject;
  readonly line: number;
}

/** What one file says. */
export interface ParsedFile {
  readonly objects: readonly ParsedObject[];
  readonly problems: readonly Problem[];
  /** False when the text is no YAML at all, so that whoever asked keeps what the file said before. */
  readonly readable: boolean;
}

interface Gathered {
  readonly file: string;
  readonly text: string;
  /** The file's path, for commands to paste. */
  readonly path: string;
  readonly lines: LineCounter;
  readonly objects: ParsedObject[];
  readonly problems: Problem[];
}

/**
 * Reads every object of a YAML or JSON text as kubectl would: many documents, Lists expanded. `file` names it in problems, `path`
 * in commands that problems propose. Never throws; every problem carries `file:line`.
 */
export function parseFile(text: string, file: string, path = file): ParsedFile {
  const lines = new LineCounter();
  const documents = parseKubeYaml(text, lines);
  const gathered: Gathered = { file, text, path, lines, objects: [], problems: [] };
  const broken = documents.flatMap(document => document.errors);
  if (broken.length > 0) {
    if (reportTemplate(gathered)) return { ...gathered, readable: false };
    for (const error of broken.slice(0, 5)) {
      const message = error.message.replace(/\s+/g, ' ').toLowerCase();
      report(gathered, 'yaml-unreadable', error.pos[0], `${message}; what the file said before stays in use`);
    }
    return { ...gathered, readable: false };
  }
  let readable = true;
  for (const document of documents) {
    if (document.contents === null) continue;
    readable = gatherDocument(document, gathered) && readable;
  }
  return { objects: gathered.objects, problems: gathered.problems, readable };
}

function gatherDocument(document: Document.Parsed, gathered: Gathered): boolean {
  let read: KubeYaml;
  try {
    read = kubeValue(document);
  } catch (thrown) {
    // Aliases that would expand without bound, keys that are no text, and what else kubectl refuses.
    const message = thrown instanceof Error ? thrown.message.toLowerCase() : String(thrown);
    if (reportTemplate(gathered)) return false;
    report(
      gathered,
      'yaml-unreadable',
      document.range[0],
      `${message}; what the file said before stays in use`,
    );
    return false;
  }
  for (const { key, offset } of read.duplicates)
    warn(
      gathered,
      'yaml-key-twice',
      offset,
      `${key} stands twice in one map, and the last one counts, as with kubectl; take one out`,
    );
  if (read.value !== null) gather(read.value, document.contents, gathered, document.range[0]);
  return true;
}

/** `node` only tells where `data` stands; it is undefined behind aliases. */
function gather(data: unknown, node: unknown, gathered: Gathered, fallback: number): void {
  const offset = startOf(node) ?? fallback;
  const items = itemsOf(data);
  if (items) {
    const nodes = isMap(node) ? node.get('items', true) : undefined;
    items.forEach((item, index) => {
      gather(item, isSeq(nodes) ? nodes.items[index] : undefined, gathered, offset);
    });
    return;
  }
  const read = readObject(data);
  if (read.kind === 'object') {
    gathered.objects.push({ object: read.object, line: lineOf(gathered, offset) });
    const words = quotedTemplateWords(read.object, gathered.path);
    if (words) warn(gathered, 'file-unrendered', offset, words);
    return;
  }
  const tool = toolFile(data, gathered.path);
  if (tool) warn(gathered, tool.code, offset, `left out: ${tool.words}`);
  else if (isNoObject(read.path) || !reportTemplate(gathered))
    report(gathered, 'object-unreadable', offset, read.message, read.path);
}

/** Whether what is wrong is that it does not even claim to be an object, like other YAML that lies about. */
function isNoObject(path: string): boolean {
  return path === '' || path === 'apiVersion';
}

/** Says once that the file is a template, where it looks like one. */
function reportTemplate(gathered: Gathered): boolean {
  const words = templateWords(gathered.text, gathered.path);
  if (words === undefined) return false;
  if (gathered.problems.some(({ code }) => code === 'file-unrendered')) return true;
  report(gathered, 'file-unrendered', gathered.text.indexOf('{{'), words);
  return true;
}

/** The items of `kind: List`, and of typed ones like ServiceList. */
function itemsOf(data: unknown): readonly unknown[] | undefined {
  if (typeof data !== 'object' || data === null) return undefined;
  const { kind, items } = data as { kind?: unknown; items?: unknown };
  return typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items) ? items : undefined;
}

function startOf(node: unknown): number | undefined {
  return (node as Node | undefined)?.range?.[0];
}

function lineOf(gathered: Gathered, offset: number): number {
  return Math.max(1, gathered.lines.linePos(offset).line);
}

function warn(gathered: Gathered, code: string, offset: number, message: string): void {
  const where = `${gathered.file}:${lineOf(gathered, offset)}`;
  gathered.problems.push(problem(code, `${where}: ${message}`, { severity: 'warning' }));
}

function report(gathered: Gathered, code: string, offset: number, message: string, path?: string): void {
  const where = `${gathered.file}:${lineOf(gathered, offset)}`;
  gathered.problems.push(problem(code, `${where}: ${message}`, path ? { path } : {}));
}
