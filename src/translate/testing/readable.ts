// For golden cases: a mesh and its problems as JSON that people can read and compare.
import { DEFAULT_MESH_TELEMETRY, equal, formatRef, type Mesh, type Problem } from '../../model/index.ts';

/** What of the mesh is not empty, maps in order of their keys, and the problems with their objects in one line. */
export function readable(mesh: Mesh, problems: readonly Problem[]): unknown {
  const replace = (_key: string, value: unknown): unknown => {
    if (value instanceof Map) return Object.fromEntries(value);
    return value instanceof Set ? [...value] : value;
  };
  const sorted = (map: ReadonlyMap<string, unknown>): unknown =>
    Object.fromEntries([...map].sort(([left], [right]) => (left < right ? -1 : 1)));
  const filled = Object.entries(mesh).flatMap(([name, value]) => {
    if (name === 'telemetrySettings') return equal(value, DEFAULT_MESH_TELEMETRY) ? [] : [[name, value]];
    if (typeof value === 'boolean') return value ? [[name, value]] : [];
    if (typeof value === 'string' || ('size' in value ? value.size : value.length) === 0) return [];
    return [[name, name === 'routeTables' ? told(sorted(value)) : 'get' in value ? sorted(value) : value]];
  });
  const flat = problems.map(each => ({ ...each, object: each.object && formatRef(each.object) }));
  return JSON.parse(JSON.stringify({ ...Object.fromEntries(filled), problems: flat }, replace));
}

/** Rules that an object says of several hosts are written out for the first of them: nobody reads the same twice. */
function told(tables: unknown): unknown {
  const first = new Map<string, string>();
  const once = (host: string, http: unknown): unknown => {
    const text = JSON.stringify(http);
    const before = first.get(text);
    if (before !== undefined && text.length > 2) return `as ${before}`;
    first.set(text, host);
    return http;
  };
  const hosts = Object.entries(tables as Record<string, readonly { readonly http: unknown }[]>);
  return Object.fromEntries(
    hosts.map(([host, list]) => [host, list.map(table => ({ ...table, http: once(host, table.http) }))]),
  );
}
