// From what one workload got to the rules that allow it, and no more.
import type { SeenCallee, SeenCaller, SeenPath, SeenPort } from './observed.ts';
import { shapesOf } from './templates.ts';

/** How much a rule says. Each has what stands before it. */
export const DETAILS = ['principals', 'ports', 'methods', 'paths'] as const;

/** One of DETAILS. */
export type Detail = (typeof DETAILS)[number];

/** An operation of AuthorizationPolicy, and whence it comes. */
export interface SuggestedOperation {
  readonly operation: {
    readonly ports?: readonly string[];
    readonly methods?: readonly string[];
    readonly paths?: readonly string[];
  };
  readonly note: string;
}

/** A rule for one caller. */
export interface SuggestedRule {
  /** SPIFFE id. */
  readonly caller: string;
  /** None: any operation. */
  readonly operations: readonly SuggestedOperation[];
  readonly note: string;
}

/** The rules, and what they leave out, in words. */
export interface SuggestedRules {
  readonly rules: readonly SuggestedRule[];
  readonly leftOut: readonly string[];
}

/** A rule for each caller that was served; `all`: what the app has never answered otherwise than 401, 403, 404 or 405, too. */
export function rulesOf(seen: SeenCallee, detail: Detail, all: boolean): SuggestedRules {
  const leftOut: string[] = [];
  const rules = [...seen.callers].sort(byName).flatMap(([caller, sent]): SuggestedRule[] => {
    const name = shortName(caller);
    const operations =
      detail === 'principals'
        ? []
        : [...sent.ports]
            .sort(([a], [b]) => a - b)
            .flatMap(([port, at]) =>
              operationsOf(port, at, detail, all, words => leftOut.push(`${name}: ${words}`)),
            );
    const isSeen = sent.requests + sent.connections > 0;
    // Nothing that it was served is left.
    if (isSeen && operations.length === 0 && detail !== 'principals') return [];
    return [{ caller, operations, note: `${name}: ${countWords(sent)}` }];
  });
  if (seen.plaintext.size + seen.plaintextCounted > 0) leftOut.push(plaintextWords(seen));
  if (seen.refused > 0) leftOut.push(`${many(seen.refused, 'request')} refused by policies that hold now`);
  return { rules, leftOut };
}

/** `1 request`, `3 requests` */
export function many(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** `shop/web` of the id of a service account there; else the id. */
export function shortName(principal: string): string {
  return principal.replace(/^spiffe:\/\/[^/]+\/ns\/([^/]+)\/sa\/(.+)$/, '$1/$2');
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}

function countWords({ requests, connections, counted }: SeenCaller): string {
  const seen = [
    ...(requests > 0 ? [many(requests, 'request')] : []),
    ...(connections > 0 ? [many(connections, 'connection')] : []),
  ];
  if (seen.length > 0) return seen.join(', ');
  return `${counted} requests or connections in metrics, none of them while it was watched: no port, method or path is known; --for longer would tell`;
}

function plaintextWords({ plaintext, plaintextCounted }: SeenCallee): string {
  const seen = [...plaintext.values()].reduce((sum, each) => sum + each, 0);
  const shown = [...plaintext.keys()].slice(0, 3).join(', ');
  const more = plaintext.size > 3 ? ` and ${plaintext.size - 3} more` : '';
  const from = shown === '' ? '' : `, from ${shown}${more}`;
  return `${Math.max(seen, plaintextCounted)} came in plaintext${from}: nobody has proven who that is; inject the callers, or allow their addresses by ipBlocks`;
}

function operationsOf(
  port: number,
  at: SeenPort,
  detail: Detail,
  all: boolean,
  leave: (words: string) => void,
): SuggestedOperation[] {
  const ports = port === 0 ? {} : { ports: [String(port)] };
  // A rule that asks for methods is none for bytes: these need one of their own.
  const bytes = at.connections > 0 ? [{ operation: ports, note: many(at.connections, 'connection') }] : [];
  const kept = [...at.methods]
    .sort(byName)
    .map(([method, paths]) => [method, keptPaths(method, paths, all, leave)] as const);
  const methods = kept.filter(([, paths]) => paths.size > 0);
  if (methods.length === 0) return bytes;
  if (bytes.length > 0 || detail === 'ports')
    return [
      {
        operation: ports,
        note: [...bytes.map(({ note }) => note), many(total(methods), 'request')].join(', '),
      },
    ];
  if (detail === 'methods')
    return [
      {
        operation: { ...ports, methods: methods.map(([name]) => name) },
        note: many(total(methods), 'request'),
      },
    ];
  return joined(methods, at.overflown).map(({ names, paths, count, example }) => ({
    operation: { ...ports, methods: names, ...(paths && { paths }) },
    note:
      paths === undefined
        ? `${many(count, 'request')} for too many different paths to name them`
        : `${many(count, 'request')}${paths.some(path => path.includes('{')) ? `, for example ${example}` : ''}`,
  }));
}

type Methods = readonly (readonly [method: string, paths: ReadonlyMap<string, number>])[];

function total(methods: Methods): number {
  return methods.reduce((sum, [, paths]) => sum + sumOf(paths), 0);
}

function sumOf(paths: ReadonlyMap<string, number>): number {
  return [...paths.values()].reduce((sum, count) => sum + count, 0);
}

function keptPaths(
  method: string,
  paths: ReadonlyMap<string, SeenPath>,
  all: boolean,
  leave: (words: string) => void,
): ReadonlyMap<string, number> {
  const kept = new Map<string, number>();
  const lost: string[] = [];
  let times = 0;
  for (const [path, { served, absent }] of paths) {
    if (served > 0 || all) kept.set(path, served + absent);
    else {
      lost.push(path);
      times += absent;
    }
  }
  // Of a thing with many ids some are not there.
  if (lost.length > 0) {
    const shown = lost.slice(0, 3).join(', ');
    leave(
      `${times} of ${method} ${shown}${lost.length > 3 ? ', …' : ''}, which the app has not (401, 403, 404, 405)`,
    );
  }
  return kept;
}

interface Joined {
  readonly names: readonly string[];
  /** Undefined: any. */
  readonly paths: readonly string[] | undefined;
  readonly count: number;
  readonly example: string;
}

/** Methods with the same paths are one operation. */
function joined(methods: Methods, overflown: boolean): readonly Joined[] {
  const found = new Map<string, Joined>();
  for (const [method, all] of methods) {
    const isCall = (path: string): boolean => method === 'POST' && grpcPath.test(path);
    const calls = [...all].filter(([path]) => isCall(path));
    const others = new Map([...all].filter(([path]) => !isCall(path)));
    const shapes = others.size === 0 ? [] : overflown ? undefined : shapesOf(others);
    const paths = shapes && [...calls.map(([path]) => path), ...shapes.map(({ path }) => path)];
    const key = paths === undefined ? '' : paths.toSorted().join('\n');
    const before = found.get(key);
    found.set(key, {
      names: [...(before?.names ?? []), method],
      paths,
      count: (before?.count ?? 0) + sumOf(all),
      example: before?.example ?? shapes?.find(({ path }) => path.includes('{'))?.example ?? '',
    });
  }
  return [...found.values()];
}

/** `/package.Service/Method`, whose parts are never values. */
const grpcPath = /^\/(?:\w+\.)+[A-Z]\w*\/[A-Z]\w*$/;
