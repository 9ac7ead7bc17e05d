/**
 * Whether two pieces of plain data (JSON values, Map, and undefined) say the same. A property that is undefined equals one
 * that is absent, because a wire or a disk does not tell them apart. Not for class instances other than Map.
 */
export function equal(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) {
    return Number.isNaN(left) && Number.isNaN(right);
  }
  if (Array.isArray(left)) return Array.isArray(right) && equalArrays(left, right);
  if (Array.isArray(right)) return false;
  if (left instanceof Map) return right instanceof Map && equalMaps(left, right);
  if (right instanceof Map) return false;
  return equalRecords(left as Record<string, unknown>, right as Record<string, unknown>);
}

function equalArrays(left: readonly unknown[], right: readonly unknown[]): boolean {
  if (left.length !== right.length) return false;
  for (let index = 0; index < left.length; index++) {
    if (!equal(left[index], right[index])) return false;
  }
  return true;
}

function equalMaps(left: ReadonlyMap<unknown, unknown>, right: ReadonlyMap<unknown, unknown>): boolean {
  if (left.size !== right.size) return false;
  for (const [key, value] of left) {
    if (!right.has(key) || !equal(value, right.get(key))) return false;
  }
  return true;
}

function equalRecords(left: Record<string, unknown>, right: Record<string, unknown>): boolean {
  for (const key in left) {
    if (!equal(left[key], right[key])) return false;
  }
  for (const key in right) {
    if (right[key] !== undefined && left[key] === undefined) return false;
  }
  return true;
}
