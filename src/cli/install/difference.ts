// What an upgrade would change, as people read it. In: objects as they shall be and as a cluster has them. Out: lines. What the
// server adds by itself (defaults, status, bookkeeping, the caBundle that the control plane writes) is no difference.

import { isDeepStrictEqual } from 'node:util';
import { stringify } from 'yaml';
import { isRecord } from '../../plain/index.ts';

/** The difference of one object. */
export interface Difference {
  /** `Deployment weft-system/weft-injector` */
  readonly name: string;
  readonly kind: 'create' | 'change' | 'remove' | 'same';
  /** Lines that begin with ` `, `-` or `+`; three of context around each change. */
  readonly lines: readonly string[];
}

interface Named {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

/** How an object is called in a difference. */
export function nameOf({ kind, metadata: { name, namespace } }: Named): string {
  return `${kind} ${namespace === undefined ? name : `${namespace}/${name}`}`;
}

/** Compares one object; `live` undefined means that there is none yet, `wanted` undefined that it is not wanted any more. */
export function compare(wanted: Named | undefined, live: Named | undefined): Difference {
  if (wanted === undefined) return { name: nameOf(live!), kind: 'remove', lines: [] };
  const after = yamlLines(wanted);
  if (live === undefined)
    return { name: nameOf(wanted), kind: 'create', lines: after.map(line => `+${line}`) };
  const before = yamlLines(project(live, wanted));
  const lines = isDeepStrictEqual(before, after) ? [] : unified(before, after);
  return { name: nameOf(wanted), kind: lines.length === 0 ? 'same' : 'change', lines };
}

function yamlLines(value: unknown): string[] {
  return stringify(value, { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false })
    .trimEnd()
    .split('\n');
}

/** Maps of which every key is ours, so that a key too many is a difference. */
const ownMaps = ['data', 'matchLabels', 'limits', 'requests'];

/**
 * `live` reduced to what `wanted` speaks of, in its order. Keys of maps that `wanted` does not have are defaults of the server,
 * but entries of lists that it does not have are differences: the server adds none.
 */
export function project(live: unknown, wanted: unknown, key = ''): unknown {
  if (Array.isArray(live) && Array.isArray(wanted)) return projectList(live, wanted);
  if (!isRecord(live) || !isRecord(wanted)) return live;
  const result: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(wanted)) {
    if (name in live) result[name] = project(live[name], value, name);
  }
  if (ownMaps.includes(key))
    for (const name of Object.keys(live)) if (!(name in wanted)) result[name] = live[name];
  return result;
}

function projectList(live: readonly unknown[], wanted: readonly unknown[]): unknown[] {
  const named = [...live, ...wanted].every(entry => isRecord(entry) && typeof entry.name === 'string');
  if (!named)
    return live.map((entry, index) => (index < wanted.length ? project(entry, wanted[index]) : entry));
  const nameOfEntry = (entry: unknown) => (entry as { name: string }).name;
  return live.map(entry => {
    const like = wanted.find(each => nameOfEntry(each) === nameOfEntry(entry));
    return like === undefined ? entry : project(entry, like);
  });
}

const contextLines = 3;

/** Lines of both sides, with three unchanged ones around each change and `…` where more were left out. */
export function unified(before: readonly string[], after: readonly string[]): string[] {
  const all = diffLines(before, after);
  const near = (at: number) =>
    all.slice(Math.max(0, at - contextLines), at + contextLines + 1).some(line => !line.startsWith(' '));
  const lines: string[] = [];
  let skipping = false;
  for (const [index, line] of all.entries()) {
    if (near(index)) lines.push(line);
    else if (!skipping && lines.length > 0) lines.push(' …');
    skipping = !near(index);
  }
  while (lines.at(-1) === ' …') lines.pop();
  return lines;
}

/** The longest common subsequence, line by line; objects have some hundred lines. */
function diffLines(before: readonly string[], after: readonly string[]): string[] {
  const width = after.length + 1;
  const length = new Uint32Array((before.length + 1) * width);
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      const cell = i * width + j;
      length[cell] =
        before[i] === after[j]
          ? length[cell + width + 1]! + 1
          : Math.max(length[cell + width]!, length[cell + 1]!);
    }
  }
  const lines: string[] = [];
  let [i, j] = [0, 0];
  while (i < before.length || j < after.length) {
    const cell = i * width + j;
    if (i < before.length && j < after.length && before[i] === after[j]) {
      lines.push(` ${before[i++]}`);
      j++;
    } else if (i < before.length && (j === after.length || length[cell + width]! >= length[cell + 1]!)) {
      lines.push(`-${before[i++]}`);
    } else lines.push(`+${after[j++]}`);
  }
  return lines;
}
