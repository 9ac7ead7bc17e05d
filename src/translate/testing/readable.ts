// For golden cases: a mesh and its problems as JSON that people can read and compare.
import { formatRef, type Mesh, type Problem } from '../../model/index.ts';

/** What of the mesh is not empty, maps in order of their keys, and the problems with their objects in one line. */
export function readable(mesh: Mesh, problems: readonly Problem[]): unknown {
  const replace = (_key: string, value: unknown): unknown => {
    if (value instanceof Map) return Object.fromEntries(value);
    return value instanceof Set ? [...value] : value;
  };
  const sorted = (map: ReadonlyMap<string, unknown>): unknown =>
    Object.fromEntries([...map].sort(([left], [right]) => (left < right ? -1 : 1)));
  const filled = Object.entries(mesh).flatMap(([name, value]) => {
    if (typeof value === 'string' || ('size' in value ? value.size : value.length) === 0) return [];
    return [[name, 'get' in value ? sorted(value) : value]];
  });
  const flat = problems.map(each => ({ ...each, object: each.object && formatRef(each.object) }));
  return JSON.parse(JSON.stringify({ ...Object.fromEntries(filled), problems: flat }, replace));
}
