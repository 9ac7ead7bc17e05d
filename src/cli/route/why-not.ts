// Why a condition does not hold, in a few words. Whether it holds is asked of routing/, one piece of it after the other: nothing
// is matched here.
import type { Head } from '../../http/index.ts';
import type { NamedMatch, PathMatch, RequestMatch, TextMatch } from '../../model/index.ts';
import { RouteMatcher } from '../../routing/index.ts';
import { headerOf, type PlainRequest } from './request.ts';

/** Enough to see what is asked for. */
const mostMatches = 3;

/** Why none of the matches holds for the request. */
export function whyNot(matches: readonly RequestMatch[], request: PlainRequest, head: Head): string {
  const whys = matches.map(match => whyNotOne(match, request, head));
  const once = [...new Set(whys)];
  const more = once.length > mostMatches ? `; and ${once.length - mostMatches} more` : '';
  return once.slice(0, mostMatches).join('; ') + more;
}

function whyNotOne(match: RequestMatch, request: PlainRequest, head: Head): string {
  const failing = piecesOf(match).find(
    ({ piece }) => new RouteMatcher([{ matches: [piece] }]).match(head) < 0,
  );
  return failing ? failing.words(request) : 'it does not match';
}

interface Piece {
  readonly piece: RequestMatch;
  words(request: PlainRequest): string;
}

function piecesOf(match: RequestMatch): readonly Piece[] {
  const { path, method, authority, scheme, headers = [], query = [], claims = [], not = [] } = match;
  return [
    ...(method
      ? [{ piece: { method }, words: (request: PlainRequest) => differs('method', request.method, method) }]
      : []),
    ...(path
      ? [{ piece: { path }, words: (request: PlainRequest) => pathDiffers(pathOf(request), path) }]
      : []),
    ...(authority
      ? [
          {
            piece: { authority },
            words: (request: PlainRequest) => differs('host', headerOf(request, 'host') ?? '', authority),
          },
        ]
      : []),
    ...(scheme ? [{ piece: { scheme }, words: () => differs('scheme', 'http', scheme) }] : []),
    ...headers.map(header => ({
      piece: { headers: [header] },
      words: (request: PlainRequest) => namedDiffers('header', header, headerOf(request, header.name)),
    })),
    ...query.map(parameter => ({
      piece: { query: [parameter] },
      words: (request: PlainRequest) =>
        namedDiffers('query parameter', parameter, queryOf(request, parameter.name)),
    })),
    ...claims.map(claim => ({
      piece: { claims: [claim] },
      words: () => `it wants the claim ${claim.name} of a token that the gateway verified`,
    })),
    ...not.map(each => ({ piece: { not: [each] }, words: () => 'it leaves out requests like this one' })),
  ];
}

function pathOf({ target }: PlainRequest): string {
  const [path = ''] = target.split('?');
  return path;
}

function queryOf({ target }: PlainRequest, name: string): string | undefined {
  const mark = target.indexOf('?');
  if (mark < 0) return undefined;
  const found = target
    .slice(mark + 1)
    .split('&')
    .find(each => each === name || each.startsWith(`${name}=`));
  return found?.slice(name.length + 1);
}

function pathDiffers(path: string, { kind, value }: PathMatch): string {
  if (kind === 'segments') return `path ${path} is not ${value} or below it`;
  return differs('path', path, { kind, value });
}

function namedDiffers(what: string, { name, match, invert }: NamedMatch, value: string | undefined): string {
  if (name.startsWith(':')) return `${name} does not match`;
  if (value === undefined) return `${what} ${name} is missing`;
  if (!invert) return differs(`${what} ${name}`, value, match);
  return match.kind === 'present'
    ? `${what} ${name} is there`
    : `${what} ${name} is ${quoted(value)}, which is left out`;
}

function differs(what: string, value: string, { kind, value: wanted }: TextMatch): string {
  switch (kind) {
    case 'present':
      return `${what} is missing`;
    case 'exact':
      return `${what} is ${quoted(value)} and not ${quoted(wanted)}`;
    case 'prefix':
      return `${what} ${quoted(value)} does not begin with ${quoted(wanted)}`;
    case 'suffix':
      return `${what} ${quoted(value)} does not end with ${quoted(wanted)}`;
    case 'regex':
      return `${what} ${quoted(value)} does not match ${quoted(wanted)}`;
  }
}

/** Bare where nobody could mistake where it ends. */
function quoted(text: string): string {
  return /^[\w./:*-]+$/.test(text) ? text : JSON.stringify(text);
}
