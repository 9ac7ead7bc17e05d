// What a request must be like, in a few words: for tables of the command line and the dashboard alike.
import type { NamedMatch, RequestMatch, TextMatch } from './request-match.ts';

/** `GET /api/* header end-user=jason`, a pattern as `~^/v[12]/`; '' where nothing is asked for. */
export function requestWords({
  method,
  path,
  authority,
  scheme,
  headers = [],
  query = [],
  claims = [],
  not = [],
}: RequestMatch): string {
  const pathWords = path && (path.kind === 'segments' ? `${path.value} and below` : textWords(path));
  return [
    method && textWords(method),
    pathWords,
    authority && `host ${textWords(authority)}`,
    scheme && `scheme ${textWords(scheme)}`,
    ...headers.map(each => namedWords('header', each)),
    ...query.map(each => namedWords('query', each)),
    ...claims.map(each => namedWords('claim', each)),
    ...not.map(each => `not (${requestWords(each)})`),
  ]
    .filter(each => each !== undefined && each !== '')
    .join(' ');
}

function textWords({ kind, value }: Pick<TextMatch, 'value'> & { readonly kind: string }): string {
  switch (kind) {
    case 'prefix':
      return `${value}*`;
    case 'suffix':
      return `*${value}`;
    case 'regex':
      return `~${value}`;
    case 'present':
      return 'present';
    default:
      return value;
  }
}

function namedWords(what: string, { name, match, invert }: NamedMatch): string {
  if (match.kind === 'present') return `${what} ${name} ${invert ? 'absent' : 'present'}`;
  return `${what} ${name}${invert ? '!=' : '='}${textWords(match)}`;
}
