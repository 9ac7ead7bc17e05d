import type { NamedMatch, PathMatch, RequestMatch, TextMatch } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { given, some } from '../given.ts';
import type { Report } from '../report.ts';
import { isRegex } from '../text-match.ts';

/** HTTP methods that a match may name. */
export const METHODS = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'CONNECT',
  'OPTIONS',
  'TRACE',
  'PATCH',
] as const;

/** The conditions of one HTTPRouteMatch; empty for one that every request satisfies. */
export function readHttpMatch(match: Fields, report: Report): RequestMatch {
  const path = readPath(match.object('path'), report);
  const method = match.choice('method', METHODS);
  const headers = readHeaders(match, report);
  const query = readNamed(match, 'queryParams', name => name, report);
  match.refuseRest();
  return given({
    path,
    method: method && ({ kind: 'exact', value: method } as const),
    headers: some(headers),
    query: some(query),
  });
}

/** Names are compared without regard to case. */
export function readHeaders(match: Fields, report: Report): readonly NamedMatch[] {
  return readNamed(match, 'headers', name => name.toLowerCase(), report);
}

/** Undefined for the prefix `/`, which is every path. */
function readPath(path: Fields | undefined, report: Report): PathMatch | undefined {
  if (!path) return undefined;
  const type = path.choice('type', ['Exact', 'PathPrefix', 'RegularExpression']) ?? 'PathPrefix';
  const value = path.text('value') ?? '/';
  path.refuseRest();
  if (type === 'RegularExpression') {
    isRegex(value, path.at('value'), report);
    return { kind: 'regex', value };
  }
  const wrong = wrongPath(value);
  if (wrong !== undefined)
    report.error('field-invalid', path.at('value'), `${path.at('value')}: '${value}' ${wrong}`);
  if (type === 'Exact') return { kind: 'exact', value };
  const prefix = withoutSlash(value);
  return prefix === '' ? undefined : { kind: 'segments', value: prefix };
}

/** Of a prefix: a slash at its end says nothing, because whole segments are compared. */
export function withoutSlash(prefix: string): string {
  return prefix.endsWith('/') ? prefix.slice(0, -1) : prefix;
}

/** What Gateway API forbids in paths, because proxies would disagree about what they match. */
function wrongPath(path: string): string | undefined {
  if (!path.startsWith('/')) return 'must begin with a slash';
  if (path.includes('//')) return 'must not have two slashes in a row';
  if (/\/\.\.?(\/|$)/.test(path)) return 'must not have the segments . and ..';
  if (/%2f/i.test(path)) return 'must not have an encoded slash';
  if (/[?#]/.test(path)) return 'must not have a query or fragment; match queryParams';
  return undefined;
}

/** Of several for one name the first counts. */
function readNamed(
  match: Fields,
  field: string,
  nameOf: (name: string) => string,
  report: Report,
): readonly NamedMatch[] {
  const found: NamedMatch[] = [];
  for (const fields of match.objects(field)) {
    const type = fields.choice('type', ['Exact', 'RegularExpression']) ?? 'Exact';
    const name = nameOf(required(fields, 'name', report));
    const value = required(fields, 'value', report);
    fields.refuseRest();
    if (type === 'RegularExpression') isRegex(value, fields.at('value'), report);
    if (found.some(each => each.name === name)) {
      const message = `${fields.path}: '${name}' is there twice; only the first has an effect`;
      report.warn('field-not-supported', fields.path, message);
      continue;
    }
    const test: TextMatch = { kind: type === 'Exact' ? 'exact' : 'regex', value };
    found.push({ name, match: test });
  }
  return found;
}

/** '' where it is missing, which is then reported. */
export function required(fields: Fields, name: string, report: Report): string {
  if (!fields.has(name)) report.error('field-invalid', fields.at(name), `${fields.at(name)} is missing`);
  return fields.text(name) ?? '';
}
