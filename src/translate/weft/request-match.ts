import type { PathMatch, RequestMatch, TextMatch } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { given, some } from '../given.ts';
import type { Report } from '../report.ts';
import { readNamedMatches, readTextMatch } from '../text-match.ts';

/**
 * One of `matches`: path, method, authority, headers, withoutHeaders and query, all of which must hold. Undefined for a bad one.
 */
export function readRequestMatch(match: Fields, report: Report): RequestMatch | undefined {
  const text = (name: string): TextMatch | undefined => {
    const fields = match.object(name);
    return fields && readTextMatch(fields, report);
  };
  const path = text('path');
  const method = match.text('method');
  const headers = [
    ...readNamedMatches(match.object('headers'), report, { lowercase: true }),
    ...readNamedMatches(match.object('withoutHeaders'), report, { lowercase: true, invert: true }),
  ];
  const query = readNamedMatches(match.object('query'), report, { lowercase: false });
  const request: RequestMatch = given({
    path: path && pathOf(path),
    method: method === undefined ? undefined : ({ kind: 'exact', value: method } as const),
    authority: text('authority'),
    headers: some(headers),
    query: some(query),
  });
  match.refuseRest();
  if (match.names().length > 0) return request;
  report.error('field-invalid', match.path, `${match.path} is empty; take it out, or say which requests`);
  return undefined;
}

function pathOf({ kind, value }: TextMatch): PathMatch | undefined {
  return kind === 'exact' || kind === 'prefix' || kind === 'regex' ? { kind, value } : undefined;
}
