// Conditions of routes. Of one kind any must hold, of different kinds all: a product, in the model's words. The order of routes
// follows from them, as Sentinel has it.
import type { KdlReport, PlacedValue, Section } from '../../kdl/index.ts';
import {
  type NamedMatch,
  type PathMatch,
  type RequestMatch,
  regexProblem,
  type TextMatch,
} from '../../model/index.ts';
import { given } from '../given.ts';

/** More would make every request slow, and nobody writes so many by hand. */
const MOST_MATCHES = 512;

/** What a route is for. */
export interface RouteMatches {
  readonly matches: readonly RequestMatch[];
  /** The higher goes first among routes of one priority. */
  readonly specificity: number;
  /** What of a path a replaced prefix stands for, where all of the route's paths begin with the same. */
  readonly prefix?: string;
}

interface Weighed<T> {
  readonly match: T;
  readonly weight: number;
}

/** Everything where the block is not there. */
export function readMatches(section: Section | undefined, report: KdlReport): RouteMatches {
  if (!section) return { matches: [], specificity: 0, prefix: '/' };
  const paths = pathsOf(section, report);
  const hosts = section.values('host').flatMap(each => hostOf(each, report));
  const headers = section.sections('header').map(each => named(each, 'header'));
  const query = section.sections('query-param').map(each => named(each, 'query'));
  const methods = section.texts('method').map(each => each.toUpperCase());
  const kinds = [paths, hosts, headers, query];
  const size = kinds.reduce((product, each) => product * Math.max(1, each.length), 1);
  if (size > MOST_MATCHES) {
    report.error(
      'kdl-invalid-value',
      section.at,
      `matches has ${size} combinations, and at most ${MOST_MATCHES} are read; make several routes of it`,
    );
    return { matches: [], specificity: 0 };
  }
  const method = methodOf(methods);
  const matches =
    paths.length + hosts.length + headers.length + query.length === 0 && method === undefined
      ? []
      : product(paths, hosts, headers, query, method);
  const weights = kinds.map(each => Math.max(0, ...each.map(({ weight }) => weight)));
  const prefixes = paths.map(({ match }) =>
    match.kind === 'prefix' || match.kind === 'segments' ? match.value : undefined,
  );
  return {
    matches,
    specificity: weights.reduce((sum, each) => sum + each, 0) + (method ? 10 : 0),
    ...given({ prefix: paths.length === 0 ? '/' : prefixes.length === 1 ? prefixes[0] : undefined }),
  };
}

function product(
  paths: readonly Weighed<PathMatch>[],
  hosts: readonly Weighed<TextMatch>[],
  headers: readonly Weighed<NamedMatch>[],
  query: readonly Weighed<NamedMatch>[],
  method: TextMatch | undefined,
): readonly RequestMatch[] {
  const any = <T>(list: readonly Weighed<T>[]): readonly (T | undefined)[] =>
    list.length === 0 ? [undefined] : list.map(each => each.match);
  return any(paths).flatMap(path =>
    any(hosts).flatMap(authority =>
      any(headers).flatMap(header =>
        any(query).map(
          (parameter): RequestMatch =>
            given({
              path,
              method,
              authority,
              headers: header && [header],
              query: parameter && [parameter],
            }),
        ),
      ),
    ),
  );
}

function pathsOf(section: Section, report: KdlReport): readonly Weighed<PathMatch>[] {
  const rooted = ({ value, at }: PlacedValue, name: string): boolean => {
    if (String(value).startsWith('/')) return true;
    report.error('kdl-invalid-value', at, `${name} is "${value}"; it begins with a /`);
    return false;
  };
  const exact = section
    .values('path')
    .filter(each => rooted(each, 'path'))
    .map(({ value }) => ({ match: { kind: 'exact', value: String(value) } as const, weight: 10_000 }));
  const prefixes = section
    .values('path-prefix')
    .filter(each => rooted(each, 'path-prefix'))
    .map(({ value }) => {
      const text = String(value);
      // With a slash at its end it says itself where a segment ends, and /api/ is not /api.
      const kind = text.endsWith('/') ? ('prefix' as const) : ('segments' as const);
      return { match: { kind, value: text }, weight: 1_000 + text.length };
    });
  const patterns = section.values('path-regex').flatMap(({ value, at }) => {
    const why = regexProblem(String(value));
    if (why !== undefined) {
      report.error('kdl-invalid-value', at, `path-regex: ${why}`);
      return [];
    }
    return [{ match: { kind: 'regex', value: unanchored(String(value)) } as const, weight: 5_000 }];
  });
  return [...exact, ...patterns, ...prefixes];
}

/** Patterns find what they look for anywhere; ours match the whole. */
function unanchored(pattern: string): string {
  return `(?s:.*)(?:${pattern})(?s:.*)`;
}

function hostOf({ value, at }: PlacedValue, report: KdlReport): readonly Weighed<TextMatch>[] {
  const host = String(value).toLowerCase();
  if (host === '*') return [{ match: { kind: 'present', value: '' }, weight: 0 }];
  if (host.startsWith('*.') && !/[*[]/.test(host.slice(2)))
    return [{ match: { kind: 'suffix', value: host.slice(1), ignoreCase: true }, weight: 60 }];
  if (!/[*[]/.test(host)) return [{ match: { kind: 'exact', value: host, ignoreCase: true }, weight: 70 }];
  const why = regexProblem(String(value));
  if (why !== undefined) {
    report.error('kdl-invalid-value', at, `host is "${value}", which is read as a pattern: ${why}`);
    return [];
  }
  return [{ match: { kind: 'regex', value: unanchored(String(value)), ignoreCase: true }, weight: 50 }];
}

function methodOf(methods: readonly string[]): TextMatch | undefined {
  const names = [...new Set(methods)];
  if (names.length === 0) return undefined;
  if (names.length === 1) return { kind: 'exact', value: names[0]! };
  return { kind: 'regex', value: names.map(each => each.replace(/[^A-Z0-9_-]/g, '\\$&')).join('|') };
}

function named(section: Section, kind: 'header' | 'query'): Weighed<NamedMatch> {
  const value = section.text('value');
  const name = section.text('name')!;
  const match: TextMatch = value === undefined ? { kind: 'present', value: '' } : { kind: 'exact', value };
  const base = kind === 'header' ? 20 : 15;
  return {
    match: { name: kind === 'header' ? name.toLowerCase() : name, match },
    weight: base + (value === undefined ? 0 : 10),
  };
}
