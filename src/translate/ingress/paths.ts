import { type PathMatch, type PathRewrite, type RequestMatch, regexProblem } from '../../model/index.ts';
import type { PathOf } from './hosts.ts';

/** A path in its place, with what is compared and what it becomes. */
export interface OrderedPath {
  readonly of: PathOf;
  /** Undefined where every path is meant. */
  readonly match: PathMatch | undefined;
  readonly rewrite: PathRewrite | undefined;
  /** In place of `match`: one of them holds, and without any every request is meant. */
  readonly requests?: readonly RequestMatch[];
}

/** Puts the paths of a host in the order in which they are looked at; none is left out. */
export type OrderPaths = (paths: readonly PathOf[]) => readonly OrderedPath[];

/** Whether all paths of a host are regular expressions: one of its Ingresses says so, or rewrites. */
export function isPatternHost(paths: readonly PathOf[]): boolean {
  return paths.some(
    ({ settings, path }) => settings.useRegex === true || rewrites(settings.rewriteTarget, path.path),
  );
}

/** ingress-nginx's needsRewrite: a target that is the path itself is none. */
function rewrites(target: string | undefined, path: string): target is string {
  return target !== undefined && target !== path;
}

/**
 * In the order in which they are looked at. Plain hosts as Kubernetes has it: exact ones, then the longest prefix, by elements.
 * Hosts of regular expressions as ingress-nginx: the longest text first, whatever it says, equals by name from the end.
 */
export function orderPaths(paths: readonly PathOf[], patterns: boolean): readonly OrderedPath[] {
  const byLength = [...paths].sort(({ path: left }, { path: right }) => {
    const kind = patterns ? 0 : Number(left.type === 'prefix') - Number(right.type === 'prefix');
    return (
      kind ||
      right.path.length - left.path.length ||
      (left.path < right.path ? 1 : left.path > right.path ? -1 : 0)
    );
  });
  return byLength.map(of => ({ of, match: matchOf(of, patterns), rewrite: rewriteOf(of, patterns) }));
}

function matchOf({ path: { path, type } }: PathOf, patterns: boolean): PathMatch | undefined {
  if (patterns)
    return path === '/' ? undefined : { kind: 'regex', value: `${group(path)}.*`, ignoreCase: true };
  if (type === 'exact') return { kind: 'exact', value: path };
  return path === '/' ? undefined : { kind: 'segments', value: path };
}

function rewriteOf({ path: { path }, settings }: PathOf, patterns: boolean): PathRewrite | undefined {
  const target = settings.rewriteTarget;
  if (!patterns || !rewrites(target, path)) return undefined;
  const pattern = patternOf(path);
  const groups = groupsOf(pattern);
  const substitution = target
    .replaceAll('\\', '\\\\')
    .replace(/\$(\d)/g, (_, digit: string) => (Number(digit) <= groups ? `\\${digit}` : ''));
  // The whole path gives way, whatever of it the pattern is for.
  return {
    kind: 'regex',
    pattern: `(?is)^(?:${pattern}).*$`,
    substitution: substitution === '' ? '/' : substitution,
  };
}

function group(path: string): string {
  return `(?:${patternOf(path)})`;
}

/** A path that was never meant as one stays text. */
function patternOf(path: string): string {
  const bare = path.replace(/^\^/, '');
  return regexProblem(bare) === undefined ? bare : bare.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** How many groups a pattern has that capture. */
function groupsOf(pattern: string): number {
  return [...pattern.matchAll(/\\.|\[(?:\\.|[^\]\\])*\]|\((?!\?)|\(\?P?<[A-Za-z]/g)].filter(([found]) =>
    found.startsWith('('),
  ).length;
}
