import { type HeaderEdits, UNTOUCHABLE_HEADERS } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { given, some } from '../given.ts';
import type { Report } from '../report.ts';

/** Edits of both ways. */
export interface HeadersPart {
  readonly requestHeaders?: HeaderEdits;
  readonly responseHeaders?: HeaderEdits;
}

/** Istio's Headers, of a rule or of one of its destinations. */
export function readHeaders(owner: Fields, report: Report): HeadersPart {
  const headers = owner.object('headers');
  const request = headers?.object('request');
  const response = headers?.object('response');
  headers?.rest();
  return given({
    requestHeaders: request && readEdits(request, 'request', report),
    responseHeaders: response && readEdits(response, 'response', report),
  });
}

function readEdits(edits: Fields, way: 'request' | 'response', report: Report): HeaderEdits | undefined {
  const remove = edits.texts('remove').flatMap((name, index) => {
    const lower = checked(name, `${edits.at('remove')}[${index}]`, report);
    // Envoy leaves what makes up the request line alone.
    return lower === undefined || isAuthority(lower) ? [] : [lower];
  });
  const entries = (field: string): readonly (readonly [string, string])[] => {
    const map = edits.strings(field) ?? {};
    // In order of name, as Istio has it, so that the order in the file does not matter.
    return Object.entries(map)
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .flatMap(([name, value]) => {
        const path = `${edits.at(field)}['${name}']`;
        const lower = checked(name, path, report);
        if (lower === undefined) return [];
        if (/[\r\n\0]/.test(value))
          report.error('field-invalid', path, `${path}: a header value cannot have line breaks`);
        if (way === 'response' && isAuthority(lower)) {
          report.warn('field-not-supported', path, `${path} has no effect on an answer; take it out`);
          return [];
        }
        return [[lower, value] as const];
      });
  };
  const found = given({ remove: some(remove), set: some(entries('set')), add: some(entries('add')) });
  edits.rest();
  return Object.keys(found).length === 0 ? undefined : found;
}

function isAuthority(lower: string): boolean {
  return lower === 'host' || lower === ':authority';
}

/** The name in small letters; undefined, and reported, for what may not be edited. */
function checked(name: string, path: string, report: Report): string | undefined {
  const lower = name.toLowerCase();
  if (isAuthority(lower)) return lower;
  if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(lower)) {
    report.error('field-invalid', path, `${path}: '${name}' is no name of a header`);
    return undefined;
  }
  if (!UNTOUCHABLE_HEADERS.has(lower)) return lower;
  const message = `${path}: '${name}' belongs to the connection and cannot be edited; take it out`;
  report.error('field-invalid', path, message);
  return undefined;
}
