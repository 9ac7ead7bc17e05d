// For tests: what is said by a side of a later version, which has fields that this one does not know.

/** The value with a field nobody knows in each of its objects, at every depth. */
export function later(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(later);
  if (typeof value !== 'object' || value === null) return value;
  const known = Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, later(inner)]));
  return { laterField: { on: true, list: [1, 'two', null] }, ...known, laterText: 'x', laterNull: null };
}
