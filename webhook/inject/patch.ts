// JSON Patch (RFC 6902) from one JSON value to another, as admission webhooks answer it.
import { isDeepStrictEqual } from 'node:util';
import { isMap } from './pod.ts';

/** The operations that `patchOf` uses. `path` is a JSON Pointer (RFC 6901). */
export type PatchOperation =
  | { readonly op: 'add' | 'replace'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string };

/**
 * The operations that turn `before` into `after`, in order; none when they are equal. Small rather than minimal: maps are
 * compared by key; in lists, elements of the same `name` are the same element, and the rest is inserted and removed in
 * place. Both must be JSON; fields with the value undefined count as missing.
 */
export function patchOf(before: unknown, after: unknown): PatchOperation[] {
  const operations: PatchOperation[] = [];
  diff(before, after, '', operations);
  return operations;
}

function diff(before: unknown, after: unknown, path: string, operations: PatchOperation[]): void {
  if (isDeepStrictEqual(before, after)) return;
  if (isMap(before) && isMap(after)) diffMaps(before, after, path, operations);
  else if (Array.isArray(before) && Array.isArray(after)) diffLists(before, after, path, operations);
  else operations.push({ op: 'replace', path, value: after });
}

function diffMaps(
  before: Record<string, unknown>,
  after: Record<string, unknown>,
  path: string,
  operations: PatchOperation[],
): void {
  const has = (map: Record<string, unknown>, key: string) =>
    Object.hasOwn(map, key) && map[key] !== undefined;
  for (const key of Object.keys(before)) {
    if (has(before, key) && !has(after, key))
      operations.push({ op: 'remove', path: `${path}/${escapeKey(key)}` });
  }
  for (const key of Object.keys(after)) {
    if (!has(after, key)) continue;
    const at = `${path}/${escapeKey(key)}`;
    if (has(before, key)) diff(before[key], after[key], at, operations);
    else operations.push({ op: 'add', path: at, value: after[key] });
  }
}

function escapeKey(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}

type Step = 'keep' | 'change' | 'remove' | 'insert';

/** More cells than this are not worth aligning: the list is replaced. */
const MAX_CELLS = 1 << 18;

function diffLists(before: unknown[], after: unknown[], path: string, operations: PatchOperation[]): void {
  if ((before.length + 1) * (after.length + 1) > MAX_CELLS) {
    operations.push({ op: 'replace', path, value: after });
    return;
  }
  const steps = align(before, after);
  // From the end to the start, so that the indices of what is still to come stay right.
  let from = before.length;
  let to = after.length;
  for (const step of steps.reverse()) {
    if (step !== 'insert') from--;
    if (step !== 'remove') to--;
    if (step === 'insert') operations.push({ op: 'add', path: `${path}/${from}`, value: after[to] });
    else if (step === 'remove') operations.push({ op: 'remove', path: `${path}/${from}` });
    else if (step === 'change') diff(before[from], after[to], `${path}/${from}`, operations);
  }
}

/** The cheapest way from one list to the other (Wagner and Fischer 1974), first step first. */
function align(before: unknown[], after: unknown[]): Step[] {
  const width = after.length + 1;
  const cost = new Float64Array((before.length + 1) * width);
  const step: Step[] = new Array(cost.length);
  for (let i = before.length; i >= 0; i--) {
    for (let j = after.length; j >= 0; j--) {
      const cell = i * width + j;
      if (i === before.length && j === after.length) continue;
      let best = Number.POSITIVE_INFINITY;
      const offer = (kind: Step, price: number) => {
        if (price >= best) return;
        best = price;
        step[cell] = kind;
      };
      if (i < before.length && j < after.length) {
        const price = priceOfPair(before[i], after[j]);
        offer(price === 0 ? 'keep' : 'change', price + cost[cell + width + 1]!);
      }
      if (i < before.length) offer('remove', 1 + cost[cell + width]!);
      if (j < after.length) offer('insert', 1 + cost[cell + 1]!);
      cost[cell] = best;
    }
  }
  const steps: Step[] = [];
  for (let i = 0, j = 0; i < before.length || j < after.length; ) {
    const next = step[i * width + j]!;
    steps.push(next);
    if (next !== 'insert') i++;
    if (next !== 'remove') j++;
  }
  return steps;
}

function priceOfPair(before: unknown, after: unknown): number {
  if (isDeepStrictEqual(before, after)) return 0;
  if (isMap(before) && isMap(after) && before.name !== undefined && after.name !== undefined) {
    return before.name === after.name ? 0.5 : Number.POSITIVE_INFINITY;
  }
  return 1;
}
