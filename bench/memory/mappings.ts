// What the private memory of a Node process is made of, by its mappings. In: /proc/PID/smaps. Out: kilobytes by kind.
import { readFileSync } from 'node:fs';

/** The kinds, in the order of the table. */
export const KINDS = [
  'v8 and large blocks',
  'compiled code',
  'malloc: main heap',
  'malloc: arenas',
  'stacks',
  'node: data and relocations',
  'node: code',
  'libraries',
  'other files',
] as const;
export type Kind = (typeof KINDS)[number];

/** One line of /proc/PID/smaps with the figures that count here. */
export interface Mapping {
  readonly start: number;
  readonly end: number;
  /** As the kernel writes them: `rw-p`. */
  readonly permissions: string;
  /** File, `[heap]`, `[stack]`, or '' for anonymous memory. */
  readonly path: string;
  /** Private_Clean + Private_Dirty. */
  readonly privateKb: number;
}

/** Reads the text of smaps. */
export function readMappings(text: string): Mapping[] {
  const mappings: Mapping[] = [];
  for (const piece of text.split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)) {
    const head = /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+ *(.*)$/m.exec(piece);
    if (head === null) continue;
    const [, start, end, permissions, path] = head;
    let privateKb = 0;
    for (const [, kb] of piece.matchAll(/^Private_(?:Clean|Dirty): +(\d+) kB$/gm)) privateKb += Number(kb);
    mappings.push({
      start: Number.parseInt(start!, 16),
      end: Number.parseInt(end!, 16),
      permissions: permissions!,
      path: path!,
      privateKb,
    });
  }
  return mappings;
}

/** glibc gives each arena heaps of this size, which begin at a multiple of it. */
const arenaBytes = 64 * 2 ** 20;

/**
 * Adds the mappings up by kind. Of anonymous memory V8's pages and malloc's blocks that have a mapping of their own cannot be
 * told apart: V8's own figures (memory/inside.ts) say how much of it is which.
 */
export function byKind(mappings: readonly Mapping[], executable: string): Record<Kind, number> {
  const sums = Object.fromEntries(KINDS.map(kind => [kind, 0])) as Record<Kind, number>;
  let arenaUntil = 0;
  mappings.forEach((mapping, index) => {
    const before = mappings[index - 1];
    if (isArena(mapping, mappings[index + 1])) arenaUntil = mapping.start + arenaBytes;
    sums[kindOf(mapping, before, executable, mapping.start < arenaUntil)] += mapping.privateKb;
  });
  return sums;
}

function kindOf(mapping: Mapping, before: Mapping | undefined, executable: string, arena: boolean): Kind {
  const { path, permissions } = mapping;
  if (path === '[heap]') return 'malloc: main heap';
  if (path === '[stack]') return 'stacks';
  if (path === executable)
    return permissions.includes('x') || !permissions.includes('w')
      ? nodeKind(mapping)
      : 'node: data and relocations';
  if (path.endsWith('.so') || path.includes('.so.') || path.endsWith('.node')) return 'libraries';
  if (path.startsWith('/')) return 'other files';
  if (permissions.includes('x')) return 'compiled code';
  if (arena) return 'malloc: arenas';
  if (isStack(mapping, before)) return 'stacks';
  // What a file's data segment has beyond the file: .bss.
  if (before?.path === executable && before.end === mapping.start) return 'node: data and relocations';
  return 'v8 and large blocks';
}

/** Relocations that were written and then protected are private pages of a mapping that cannot be written any more. */
function nodeKind({ permissions }: Mapping): Kind {
  return permissions.includes('x') ? 'node: code' : 'node: data and relocations';
}

function isArena({ start, end, permissions, path }: Mapping, next: Mapping | undefined): boolean {
  if (path !== '' || permissions !== 'rw-p' || start % arenaBytes !== 0) return false;
  const full = end - start === arenaBytes;
  return full || (next?.start === end && next.permissions === '---p' && next.end % arenaBytes === 0);
}

/** A page that nobody may touch, and megabytes after it. */
function isStack({ start, end, permissions }: Mapping, before: Mapping | undefined): boolean {
  if (permissions !== 'rw-p' || before?.permissions !== '---p' || before.end !== start) return false;
  return before.end - before.start <= 64 * 1024 && end - start >= 2 ** 20;
}

/** Of a process that runs. */
export function privateByKind(pid: number, executable: string): Record<Kind, number> {
  return byKind(readMappings(readFileSync(`/proc/${pid}/smaps`, 'utf8')), executable);
}
