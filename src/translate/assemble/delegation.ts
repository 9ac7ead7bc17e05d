// How the rules of one object stand inside a rule of another: Istio's delegates
// (istio.io/latest/docs/reference/config/networking/ virtual-service/#Delegate). The inner rule's conditions must be narrower
// than one of the outer's, or it has no effect.
import type {
  NamedMatch,
  PathMatch,
  RequestMatch,
  RouteRule,
  RuleMatch,
  TextMatch,
} from '../../model/index.ts';
import type { Delegation } from '../part.ts';

/**
 * The inner rule in its place, as one rule or, where a rewrite depends on the match, one for each match; undefined in conflict.
 */
export function placeRule(outer: Delegation, inner: RouteRule): readonly RouteRule[] | undefined {
  const matches = joinMatches(outer.rule.matches, inner.matches);
  if (!matches) return undefined;
  const { name, matches: _, path: __, ...settings } = outer.rule;
  const rule: RouteRule = {
    ...settings,
    ...definedOf(inner),
    name: [name, inner.name].filter(each => each !== '').join('-'),
    matches,
    path: inner.path,
  };
  const { action } = rule;
  const { rewrite } = outer;
  if (!rewrite || action.kind !== 'forward' || action.path || action.authority !== undefined) return [rule];
  const authority = rewrite.authority === undefined ? {} : { authority: rewrite.authority };
  if (rewrite.path === undefined) {
    const path = rewrite.pathRegex === undefined ? {} : { path: rewrite.pathRegex };
    return [{ ...rule, action: { ...action, ...path, ...authority } }];
  }
  const value = rewrite.path;
  return (matches.length === 0 ? [{}] : matches).map((match, index) => ({
    ...rule,
    name: index === 0 ? rule.name : `${rule.name}.${index}`,
    matches: matches.length === 0 ? [] : [match],
    action: { ...action, path: pathRewrite(match.request?.path, value), ...authority },
  }));
}

/** What `uri: value` of a rewrite means for a path that this matched (Envoy's prefix_rewrite). */
export function pathRewrite(
  matched: PathMatch | undefined,
  value: string,
): { kind: 'full'; value: string } | { kind: 'prefix'; matched: string; value: string } {
  if (!matched) return { kind: 'prefix', matched: '/', value };
  if (matched.kind === 'exact' || matched.kind === 'regex') return { kind: 'full', value };
  return { kind: 'prefix', matched: matched.value, value };
}

function definedOf(rule: RouteRule): RouteRule {
  return Object.fromEntries(
    Object.entries(rule).filter(([, value]) => value !== undefined),
  ) as unknown as RouteRule;
}

function joinMatches(
  outer: readonly RuleMatch[],
  inner: readonly RuleMatch[],
): readonly RuleMatch[] | undefined {
  if (outer.length === 0) return inner;
  if (inner.length === 0) return outer;
  const joined: RuleMatch[] = [];
  for (const leaf of inner) {
    const roots = outer.filter(root => !isConflict(root, leaf));
    if (roots.length === 0) return undefined;
    joined.push(...roots.map(root => joinMatch(root, leaf)));
  }
  return joined;
}

function joinMatch(root: RuleMatch, leaf: RuleMatch): RuleMatch {
  const caller = { ...root.caller, ...leaf.caller };
  const labels = { ...root.caller?.labels?.matchLabels, ...leaf.caller?.labels?.matchLabels };
  const headers = joinNamed(root.request?.headers, leaf.request?.headers);
  const query = joinNamed(root.request?.query, leaf.request?.query);
  const claims = joinNamed(root.request?.claims, leaf.request?.claims);
  const request: RequestMatch = {
    ...root.request,
    ...leaf.request,
    ...(headers.length > 0 && { headers }),
    ...(query.length > 0 && { query }),
    ...(claims.length > 0 && { claims }),
  };
  return {
    ...(Object.keys(caller).length > 0 && {
      caller: { ...caller, ...(Object.keys(labels).length > 0 && { labels: { matchLabels: labels } }) },
    }),
    ...(Object.keys(request).length > 0 && { request }),
  };
}

/** By name; the leaf's counts where both have one. Conditions on what must not be there are apart. */
function joinNamed<M extends NamedMatch>(root: readonly M[] = [], leaf: readonly M[] = []): readonly M[] {
  return [...root.filter(each => !counterpart(leaf, each)), ...leaf];
}

function counterpart(
  list: readonly NamedMatch[],
  { name, invert = false }: NamedMatch,
): NamedMatch | undefined {
  return list.find(each => each.name === name && (each.invert ?? false) === invert);
}

function isConflict(root: RuleMatch, leaf: RuleMatch): boolean {
  const [left, right] = [root.request, leaf.request];
  if (textConflict(left?.path, right?.path)) return true;
  if ((left?.path?.ignoreCase ?? false) !== (right?.path?.ignoreCase ?? false) && left?.path && right?.path)
    return true;
  if (textConflict(left?.method, right?.method) || textConflict(left?.scheme, right?.scheme)) return true;
  if (textConflict(left?.authority, right?.authority)) return true;
  const named = (lefts: readonly NamedMatch[] = [], rights: readonly NamedMatch[] = []): boolean =>
    rights.some(each => textConflict(counterpart(lefts, each)?.match, each.match));
  if (named(left?.headers, right?.headers) || named(left?.query, right?.query)) return true;
  if (named(left?.claims, right?.claims)) return true;
  const [from, to] = [root.caller, leaf.caller];
  if (differ(from?.port, to?.port) || differ(from?.namespace, to?.namespace)) return true;
  const labels = from?.labels?.matchLabels ?? {};
  return Object.entries(to?.labels?.matchLabels ?? {}).some(([key, value]) => differ(labels[key], value));
}

function differ(left: unknown, right: unknown): boolean {
  return left !== undefined && right !== undefined && left !== right;
}

/** Whether a text can satisfy the leaf without satisfying the root; of regexes nobody can tell, so they go with nothing else. */
function textConflict(
  root: TextMatch | PathMatch | undefined,
  leaf: TextMatch | PathMatch | undefined,
): boolean {
  if (!root || !leaf || root.kind === 'present') return false;
  if (root.kind === 'regex' || leaf.kind === 'regex') return true;
  if (root.kind === 'exact') return leaf.kind !== 'exact' || leaf.value !== root.value;
  return leaf.kind === 'present' || !leaf.value.startsWith(root.value);
}
