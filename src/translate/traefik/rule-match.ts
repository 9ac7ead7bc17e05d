// What matchers of Traefik's rules mean (pkg/muxer/http/matcher.go, and matcher_v2.go for the syntax before): conditions on
// requests by host, since a gateway looks for the host first.
import { type NamedMatch, type RequestMatch, regexProblem, type TextMatch } from '../../model/index.ts';
import { given, some } from '../given.ts';
import { nearestName } from '../ingress/nearest-name.ts';
import { RuleError, type RuleNode } from './rule-syntax.ts';

/** One matcher, or what it is not. */
interface Literal {
  readonly node: Extract<RuleNode, { readonly kind: 'matcher' }>;
  readonly isNot: boolean;
}

/** Requests of one host for which a rule holds. */
export interface HostMatch {
  /** Lower case; '' where the rule names none, and so holds for every host. */
  readonly host: string;
  /** One of them holds. Without any every request is meant. */
  readonly matches: readonly RequestMatch[];
  /** The first path or prefix of a path that it names; `/` for none. */
  readonly path: string;
}

/** Ways in which a rule can hold, at most. */
const MAX_WAYS = 64;

/** What holds for one matcher: either a host, or a condition. */
interface Meaning {
  readonly hosts?: readonly string[];
  readonly any?: readonly RequestMatch[];
  readonly path?: string;
}

type Read = (values: readonly string[]) => Meaning;

/** A matcher, with how many texts it takes. */
interface Matcher {
  readonly read: Read;
  readonly least: number;
  readonly most: number;
}

const v3: Readonly<Record<string, Matcher>> = {
  Host: one(([host = '']) => ({ hosts: [hostOf(host)] })),
  HostRegexp: one(([pattern = '']) => ({ any: [{ authority: authorityPattern(pattern) }] })),
  Path: one(([path = '']) => ({ any: [{ path: { kind: 'exact', value: pathOf(path) } }], path })),
  PathPrefix: one(([path = '']) => ({
    any: [pathOf(path) === '/' ? {} : { path: { kind: 'prefix', value: path } }],
    path,
  })),
  PathRegexp: one(([pattern = '']) => ({ any: [{ path: { kind: 'regex', value: anywhere(pattern) } }] })),
  Method: one(([method = '']) => ({ any: [{ method: exact(method.toUpperCase()) }] })),
  Header: two(([name = '', value = '']) => header(name, exact(value))),
  HeaderRegexp: two(([name = '', pattern = '']) => header(name, regex(pattern))),
  Query: { least: 1, most: 2, read: ([name = '', value = '']) => query(name, exact(value)) },
  QueryRegexp: {
    ...{ least: 1, most: 2 },
    read: ([name = '', pattern]) => query(name, pattern === undefined ? exact('') : regex(pattern)),
  },
};

const v2: Readonly<Record<string, Matcher>> = {
  Host: many(values => ({ hosts: values.map(hostOf) })),
  HostHeader: many(values => ({ hosts: values.map(hostOf) })),
  HostRegexp: many(values => ({
    any: values.map(each => ({ authority: authorityPattern(`^${template(each, '[^.]*')}$`) })),
  })),
  Path: many(values => ({
    any: values.map(each => ({ path: { kind: 'regex', value: template(each, '[^/]*') } as const })),
    ...(values.length === 1 && !values[0]!.includes('{') && { path: values[0]! }),
  })),
  PathPrefix: many(values => ({
    any: values.map(each => ({
      path: { kind: 'regex', value: `${template(each, '[^/]*')}(?s:.*)` } as const,
    })),
    ...(values.length === 1 && !values[0]!.includes('{') && { path: values[0]! }),
  })),
  Method: many(values => ({ any: values.map(each => ({ method: exact(each.toUpperCase()) })) })),
  Headers: two(([name = '', value = '']) => header(name, exact(value))),
  HeadersRegexp: two(([name = '', pattern = '']) => header(name, regex(pattern))),
  Query: many(values => ({
    any: [
      {
        query: values.map(each => {
          const at = each.indexOf('=');
          return at < 0
            ? { name: each, match: exact('') }
            : { name: each.slice(0, at), match: exact(each.slice(at + 1)) };
        }),
      },
    ],
  })),
};

/** What Weft cannot tell of a request here, with what to write. */
const unserved: Readonly<Record<string, string>> = {
  clientip: 'addresses of clients decide nothing about routes; write a Middleware with ipAllowList',
};

/** What a rule means, by host. Throws RuleError. */
export function matchesOfRule(rule: RuleNode, syntax: 'v2' | 'v3'): readonly HostMatch[] {
  const byHost = new Map<string, { readonly matches: RequestMatch[]; path: string }>();
  for (const way of waysOf(rule, false)) {
    const found = matchOf(way, syntax);
    for (const host of found.hosts) {
      const own = byHost.get(host) ?? { matches: [], path: found.path };
      own.matches.push(found.match);
      byHost.set(host, own);
    }
  }
  if (byHost.size === 0) throw new RuleError('holds for no request at all: it asks for two hosts at once');
  return [...byHost].map(([host, { matches, path }]) => {
    const isAll = matches.some(each => Object.keys(each).length === 0);
    return { host, matches: isAll ? [] : matches, path };
  });
}

/** The rule as a list of ways, in each of which all must hold. */
function waysOf(node: RuleNode, isNot: boolean): readonly (readonly Literal[])[] {
  if (node.kind === 'matcher') return [[{ node, isNot }]];
  if (node.kind === 'not') return waysOf(node.node, !isNot);
  const all = node.nodes.map(each => waysOf(each, isNot));
  const isEither = (node.kind === 'or') !== isNot;
  const ways = isEither
    ? all.flat()
    : all.reduce((left, right) => left.flatMap(each => right.map(other => [...each, ...other])));
  if (ways.length > MAX_WAYS)
    throw new RuleError(`can hold in more than ${MAX_WAYS} ways; write several routes`);
  return ways;
}

interface WayMatch {
  readonly hosts: readonly string[];
  readonly match: RequestMatch;
  readonly path: string;
}

function matchOf(way: readonly Literal[], syntax: 'v2' | 'v3'): WayMatch {
  let hosts: readonly string[] | undefined;
  let path: string | undefined;
  const conditions: RequestMatch[] = [];
  for (const { node, isNot } of way) {
    const meaning = meaningOf(node, syntax);
    if (meaning.hosts !== undefined && !isNot) {
      const { hosts: own } = meaning;
      hosts = hosts === undefined ? own : hosts.filter(each => own.includes(each));
      continue;
    }
    const any =
      meaning.any ??
      (meaning.hosts ?? []).map(each => ({ authority: authorityPattern(`^${quoted(each)}$`) }));
    if (isNot) conditions.push({ not: any });
    else if (any.length === 1) conditions.push(any[0]!);
    else conditions.push({ not: [{ not: any }] });
    if (!isNot) path ??= meaning.path;
  }
  return { hosts: hosts ?? [''], match: allOf(conditions), path: path ?? '/' };
}

function meaningOf({ name, values }: Literal['node'], syntax: 'v2' | 'v3'): Meaning {
  const all = syntax === 'v2' ? v2 : v3;
  const known = Object.keys(all).find(each => each.toLowerCase() === name.toLowerCase());
  const why = unserved[name.toLowerCase()];
  if (why !== undefined) throw new RuleError(`asks for ${name}: ${why}`);
  if (known === undefined) throw new RuleError(unknownMatcher(name, syntax));
  const { read, least, most } = all[known]!;
  if (values.length < least || values.length > most) {
    const wanted =
      least === most
        ? `${least}`
        : most === Number.POSITIVE_INFINITY
          ? `${least} or more`
          : `${least} to ${most}`;
    const hint = syntax === 'v3' && most === 1 ? '; join several by ||' : '';
    throw new RuleError(`has ${known} with ${values.length} texts, and it takes ${wanted}${hint}`);
  }
  return read(values);
}

function unknownMatcher(name: string, syntax: 'v2' | 'v3'): string {
  const other = Object.keys(syntax === 'v2' ? v3 : v2).find(
    each => each.toLowerCase() === name.toLowerCase(),
  );
  if (other !== undefined)
    return `has ${name}, which is of the syntax ${syntax === 'v2' ? 'v3' : 'v2'} and not of ${syntax}; say syntax of the route, or write it as ${syntax} has it`;
  const near = nearestName(name, Object.keys(syntax === 'v2' ? v2 : v3));
  return `has ${name}, which no matcher is called${near === undefined ? '' : `; did you mean ${near}?`}`;
}

/** All of them hold: side by side where they speak of different things, otherwise as what is not not so. */
function allOf(conditions: readonly RequestMatch[]): RequestMatch {
  let whole: RequestMatch = {};
  const not: RequestMatch[] = [];
  for (const each of conditions) {
    const { not: own = [], headers, query: asked, ...plain } = each;
    const isTaken = Object.keys(plain).some(name => name in whole);
    if (isTaken) not.push({ not: [plain] });
    else whole = { ...whole, ...plain };
    not.push(...own);
    whole = {
      ...whole,
      ...given({
        headers: some([...(whole.headers ?? []), ...(headers ?? [])]),
        query: some([...(whole.query ?? []), ...(asked ?? [])]),
      }),
    };
  }
  return { ...whole, ...given({ not: some(not) }) };
}

function one(read: Read): Matcher {
  return { read, least: 1, most: 1 };
}

function two(read: Read): Matcher {
  return { read, least: 2, most: 2 };
}

function many(read: Read): Matcher {
  return { read, least: 1, most: Number.POSITIVE_INFINITY };
}

function exact(value: string): TextMatch {
  return { kind: 'exact', value };
}

function regex(pattern: string): TextMatch {
  return { kind: 'regex', value: anywhere(pattern) };
}

function header(name: string, match: NamedMatch['match']): Meaning {
  return { any: [{ headers: [{ name: name.toLowerCase(), match }] }] };
}

function query(name: string, match: NamedMatch['match']): Meaning {
  return { any: [{ query: [{ name, match }] }] };
}

function hostOf(text: string): string {
  const host = text.toLowerCase().replace(/\.$/, '');
  if (/^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/.test(host)) return host;
  throw new RuleError(`has Host of '${text}', which is no host; write HostRegexp for several`);
}

function pathOf(text: string): string {
  if (text.startsWith('/')) return text;
  throw new RuleError(`has a path '${text}', which does not begin with a slash`);
}

/** Go looks for a pattern anywhere; ours are for the whole text. */
function anywhere(pattern: string): string {
  checked(pattern);
  return `(?s:.*)(?:${pattern})(?s:.*)`;
}

/** The port is no part of a host in Traefik: before it is where a pattern ends. */
function authorityPattern(pattern: string): TextMatch {
  checked(pattern);
  const ended = pattern.replace(/\\.|\[(?:\\.|[^\]\\])*\]|\$/g, each =>
    each === '$' ? '(?::[0-9]+)?$' : each,
  );
  return { kind: 'regex', value: `(?s:.*)(?:${ended})(?s:.*)`, ignoreCase: true };
}

function checked(pattern: string): void {
  const problem = regexProblem(pattern);
  if (problem !== undefined) throw new RuleError(`has the pattern '${pattern}', which ${problem}`);
}

/** A text of v2 with `{name}` and `{name:pattern}` in it. `whole`: what stands for a name alone. */
function template(text: string, whole: string): string {
  let pattern = '';
  for (let at = 0; at < text.length; ) {
    if (text[at] !== '{') {
      const next = text.indexOf('{', at);
      const end = next < 0 ? text.length : next;
      pattern += quoted(text.slice(at, end));
      at = end;
      continue;
    }
    const end = closingOf(text, at);
    const [, name = '', own = whole] = /^([^:]*)(?::(.*))?$/s.exec(text.slice(at + 1, end)) ?? [];
    if (!/^[A-Za-z0-9_]*$/.test(name)) throw new RuleError(`has '{${name}', which is no name`);
    pattern += `(?:${own})`;
    at = end + 1;
  }
  checked(pattern);
  return pattern;
}

function closingOf(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    if (text[at] === '{') depth++;
    else if (text[at] === '}' && --depth === 0) return at;
  }
  throw new RuleError(`has a { without its } in '${text}'`);
}

function quoted(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
