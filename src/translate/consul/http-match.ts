import {
  type NamedMatch,
  type PathMatch,
  type RequestMatch,
  type RuleMatch,
  regexProblem,
  type TextMatch,
} from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { given, some } from '../given.ts';
import type { Report } from '../report.ts';

/** match.http of a route. */
export interface HttpMatch {
  readonly matches: readonly RuleMatch[];
  readonly path?: PathMatch;
}

/** One match for each method; without methods, one. */
export function readHttpMatch(http: Fields, report: Report): HttpMatch {
  const path = readPath(http, report);
  const headers = http.objects('header').flatMap(each => readHeader(each, report) ?? []);
  const query = http.objects('queryParam').flatMap(each => readQuery(each, report) ?? []);
  const methods = http.texts('methods');
  http.refuseRest();
  const request: RequestMatch = given({ path, headers: some(headers), query: some(query) });
  const matches = methods.map(method => ({
    request: { ...request, method: { kind: 'exact', value: method.toUpperCase() } as const },
  }));
  const found = matches.length > 0 || Object.keys(request).length === 0 ? matches : [{ request }];
  return { matches: found, ...(path && { path }) };
}

function readPath(http: Fields, report: Report): PathMatch | undefined {
  const ignoreCase = http.flag('caseInsensitive') ? { ignoreCase: true } : {};
  const found: PathMatch[] = [];
  for (const [name, kind] of [
    ['pathExact', 'exact'],
    ['pathPrefix', 'prefix'],
    ['pathRegex', 'regex'],
  ] as const) {
    const value = http.text(name);
    if (!value) continue;
    const problem =
      kind === 'regex' ? regexProblem(value) : value.startsWith('/') ? undefined : 'must begin with /';
    if (problem !== undefined)
      report.error('field-invalid', http.at(name), `${http.at(name)}: '${value}' ${problem}`);
    found.push({ kind, value, ...ignoreCase });
  }
  if (found.length > 1)
    report.error(
      'field-invalid',
      http.path,
      `${http.path} has several of pathExact, pathPrefix and pathRegex; keep one`,
    );
  return found[0];
}

function readHeader(fields: Fields, report: Report): NamedMatch | undefined {
  const kinds = ['exact', 'prefix', 'suffix', 'contains', 'regex'] as const;
  const invert = fields.flag('invert') ?? false;
  const named = readNamed(fields, kinds, report);
  return named && { ...named, name: named.name.toLowerCase(), ...(invert && { invert }) };
}

function readQuery(fields: Fields, report: Report): NamedMatch | undefined {
  return readNamed(fields, ['exact', 'contains', 'regex'], report);
}

/** A name and exactly one condition on its value; empty is absent, as in Consul. */
function readNamed(
  fields: Fields,
  kinds: readonly ('exact' | 'prefix' | 'suffix' | 'contains' | 'regex')[],
  report: Report,
): NamedMatch | undefined {
  const name = fields.text('name');
  const ignoreCase = fields.flag('ignoreCase') ? { ignoreCase: true } : {};
  const found: TextMatch[] = fields.flag('present') ? [{ kind: 'present', value: '' }] : [];
  for (const kind of kinds) {
    const value = fields.text(kind);
    if (!value) continue;
    const problem = kind === 'regex' ? regexProblem(value) : undefined;
    if (problem !== undefined)
      report.error('field-invalid', fields.at(kind), `${fields.at(kind)}: '${value}' ${problem}`);
    if (kind === 'contains') found.push({ kind: 'regex', value: `.*${literal(value)}.*`, ...ignoreCase });
    else found.push({ kind, value, ...ignoreCase });
  }
  fields.refuseRest();
  if (!name) report.error('field-invalid', fields.at('name'), `${fields.at('name')} is missing`);
  if (found.length !== 1)
    report.error(
      'field-invalid',
      fields.path,
      `${fields.path} must have exactly one of present, ${kinds.join(', ')}`,
    );
  return name && found.length === 1 ? { name, match: found[0]! } : undefined;
}

/** As a regex that matches just this text. */
function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
