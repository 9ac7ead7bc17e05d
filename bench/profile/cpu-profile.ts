// V8's .cpuprofile: a tree of calls, and the node that was running at each sample. Functions of a bundle get their source's place
// back.
import { readFileSync } from 'node:fs';
import { findSourceMap, SourceMap } from 'node:module';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';

interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
  readonly columnNumber: number;
}
interface ProfileNode {
  readonly id: number;
  readonly callFrame: CallFrame;
  readonly children?: readonly number[];
}
interface Profile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}
interface AllocationNode {
  readonly callFrame: CallFrame;
  readonly selfSize: number;
  readonly children: readonly AllocationNode[];
}

/** A function in the place where it was called, with those that it called. */
export interface Tree {
  readonly name: string;
  /** `src/http1/parse-head.ts:120`, or what runs it when it is none of ours. */
  readonly where: string;
  /** Microseconds (or bytes) of its own, and with all it called. */
  self: number;
  total: number;
  readonly children: Tree[];
}

/** Reads a profile; what V8 spends on idling and on the time before the load is left out. */
export function readProfile(text: string): Tree {
  const profile = JSON.parse(text) as Profile;
  const own = new Map<number, number>();
  profile.samples.forEach((id, index) => {
    own.set(id, (own.get(id) ?? 0) + (profile.timeDeltas[index] ?? 0));
  });
  const nodes = new Map(profile.nodes.map(node => [node.id, node]));
  const maps = new Map<string, SourceMap | undefined>();
  const build = (node: ProfileNode): Tree => {
    const { functionName, url, lineNumber, columnNumber } = node.callFrame;
    const name = functionName || '(anonymous)';
    const idle = name === '(idle)';
    const children = (node.children ?? []).map(id => build(nodes.get(id)!));
    const self = idle ? 0 : (own.get(node.id) ?? 0);
    const total = children.reduce((sum, child) => sum + child.total, self);
    return { name, where: placeOf(maps, url, lineNumber, columnNumber), self, total, children };
  };
  return build(profile.nodes[0]!);
}

/** Reads the sampled allocations of V8's heap profiler. */
export function readAllocations(profile: unknown): Tree {
  const maps = new Map<string, SourceMap | undefined>();
  const build = (node: AllocationNode): Tree => {
    const { functionName, url, lineNumber, columnNumber } = node.callFrame;
    const children = node.children.map(build);
    const total = children.reduce((sum, child) => sum + child.total, node.selfSize);
    const where = placeOf(maps, url, lineNumber, columnNumber);
    return { name: functionName || '(anonymous)', where, self: node.selfSize, total, children };
  };
  return build((profile as { readonly head: AllocationNode }).head);
}

function placeOf(
  maps: Map<string, SourceMap | undefined>,
  url: string,
  line: number,
  column: number,
): string {
  if (!url.startsWith('file:')) return url;
  const file = fileURLToPath(url);
  if (!maps.has(file)) maps.set(file, sourceMapOf(file));
  const entry = maps.get(file)?.findEntry(line, column);
  if (entry !== undefined && 'originalSource' in entry && entry.originalSource) {
    const source = entry.originalSource.replace(/^file:\/\//, '').replace(/^(\.\.\/)+/, '');
    return `${source}:${entry.originalLine + 1}`;
  }
  return `${relative('.', file)}:${line + 1}`;
}

function sourceMapOf(file: string): SourceMap | undefined {
  try {
    return findSourceMap(file) ?? new SourceMap(JSON.parse(readFileSync(`${file}.map`, 'utf8')));
  } catch {
    return undefined;
  }
}

/** What is a function's own. */
export interface Own {
  readonly name: string;
  readonly where: string;
  /** Microseconds, or bytes. */
  amount: number;
}

/** Functions by what is their own, most first, wherever they were called from. */
export function selfTimes(trees: readonly Tree[]): Own[] {
  const times = new Map<string, Own>();
  const visit = ({ name, where, self, children }: Tree): void => {
    const key = `${name} ${where}`;
    const entry = times.get(key) ?? { name, where, amount: 0 };
    entry.amount += self;
    times.set(key, entry);
    children.forEach(visit);
  };
  trees.forEach(visit);
  return [...times.values()].sort((left, right) => right.amount - left.amount);
}
