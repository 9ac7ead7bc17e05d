import type { PatchOperation } from '../patch.ts';

/** Applies a JSON Patch by the letter of RFC 6902, refusing what it says must be refused. For tests. */
export function applyPatch(document: unknown, operations: readonly PatchOperation[]): unknown {
  let result: unknown = structuredClone(document);
  for (const operation of operations) {
    if (operation.path === '') {
      if (operation.op === 'remove') throw new Error('remove of the whole document');
      result = structuredClone(operation.value);
      continue;
    }
    const keys = operation.path
      .slice(1)
      .split('/')
      .map(key => key.replaceAll('~1', '/').replaceAll('~0', '~'));
    const last = keys.pop()!;
    let parent = result;
    for (const key of keys) parent = (parent as Record<string, unknown>)[key];
    if (Array.isArray(parent)) applyToList(parent, last, operation);
    else applyToMap(parent as Record<string, unknown>, last, operation);
  }
  return result;
}

function applyToList(list: unknown[], key: string, operation: PatchOperation): void {
  const index = key === '-' ? list.length : Number(key);
  const limit = operation.op === 'add' ? list.length : list.length - 1;
  if (!Number.isInteger(index) || index < 0 || index > limit) throw new Error(`no index ${key}`);
  if (operation.op === 'remove') list.splice(index, 1);
  else list.splice(index, operation.op === 'add' ? 0 : 1, structuredClone(operation.value));
}

function applyToMap(map: Record<string, unknown>, key: string, operation: PatchOperation): void {
  if (typeof map !== 'object' || map === null) throw new Error(`no map to hold ${key}`);
  if (operation.op !== 'add' && !Object.hasOwn(map, key)) throw new Error(`no key ${key}`);
  if (operation.op === 'remove') delete map[key];
  else map[key] = structuredClone(operation.value);
}
