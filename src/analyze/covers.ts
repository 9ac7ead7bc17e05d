// Whether every request that one condition holds for meets another, as far as that can be told without running patterns: never
// true by mistake, and false where nobody can tell.
import {
  type CallerMatch,
  equal,
  type NamedMatch,
  type PathMatch,
  type RequestMatch,
  type RuleMatch,
  type TextMatch,
} from '../model/index.ts';

/** Whether `wide` holds wherever `narrow` does. */
export function coversMatch(wide: RuleMatch, narrow: RuleMatch): boolean {
  return coversCaller(wide.caller, narrow.caller) && coversRequest(wide.request ?? {}, narrow.request ?? {});
}

/** Whether every caller that is meant by `narrow` is one of `wide`. */
export function coversCaller(wide: CallerMatch | undefined, narrow: CallerMatch | undefined): boolean {
  if (!wide) return true;
  if (wide.namespace !== undefined && wide.namespace !== narrow?.namespace) return false;
  if (wide.port !== undefined && wide.port !== narrow?.port) return false;
  if (!wide.labels) return true;
  if (equal(wide.labels, narrow?.labels)) return true;
  const { matchLabels = {}, matchExpressions = [] } = wide.labels;
  if (matchExpressions.length > 0) return false;
  const has = narrow?.labels?.matchLabels ?? {};
  return Object.entries(matchLabels).every(([key, value]) => has[key] === value);
}

function coversRequest(wide: RequestMatch, narrow: RequestMatch): boolean {
  if ((wide.not?.length ?? 0) > 0 && !equal(wide.not, narrow.not)) return false;
  if (wide.path && !coversPath(wide.path, narrow.path)) return false;
  for (const name of ['method', 'authority', 'scheme'] as const)
    if (wide[name] && !coversText(wide[name], narrow[name])) return false;
  return (['headers', 'query', 'claims'] as const).every(each => coversNamed(wide[each], narrow[each]));
}

function coversNamed(wide: readonly NamedMatch[] = [], narrow: readonly NamedMatch[] = []): boolean {
  return wide.every(each =>
    narrow.some(other => {
      if (other.name !== each.name) return false;
      if (each.invert || other.invert) return equal(each, other);
      return coversText(each.match, other.match);
    }),
  );
}

function coversText(wide: TextMatch, narrow: TextMatch | undefined): boolean {
  if (!narrow) return false;
  if (wide.kind === 'present' || equal(wide, narrow)) return true;
  if (wide.kind === 'regex') return isAnything(wide.value);
  if (narrow.kind === 'regex' || narrow.kind === 'present') return false;
  if (!wide.ignoreCase && narrow.ignoreCase) return false;
  const [outer, inner] = wide.ignoreCase
    ? [wide.value.toLowerCase(), narrow.value.toLowerCase()]
    : [wide.value, narrow.value];
  if (wide.kind === 'exact') return narrow.kind === 'exact' && outer === inner;
  if (narrow.kind !== 'exact' && narrow.kind !== wide.kind) return false;
  return wide.kind === 'prefix' ? inner.startsWith(outer) : inner.endsWith(outer);
}

function coversPath(wide: PathMatch, narrow: PathMatch | undefined): boolean {
  if (wide.kind !== 'exact' && wide.kind !== 'regex' && /^\/?$/.test(wide.value)) return true;
  if (wide.kind === 'regex' && isAnything(wide.value)) return true;
  if (!narrow) return false;
  if (equal(wide, narrow)) return true;
  if (wide.kind === 'regex' || narrow.kind === 'regex') return false;
  if (!wide.ignoreCase && narrow.ignoreCase) return false;
  const [outer, inner] = wide.ignoreCase
    ? [wide.value.toLowerCase(), narrow.value.toLowerCase()]
    : [wide.value, narrow.value];
  if (wide.kind === 'exact') return narrow.kind === 'exact' && outer === inner;
  // By segments, `/a/` is met by `/a` too.
  if (wide.kind === 'prefix')
    return (narrow.kind === 'segments' ? inner.replace(/\/+$/, '') : inner).startsWith(outer);
  const whole = outer.replace(/\/+$/, '');
  if (inner.startsWith(`${whole}/`)) return true;
  return narrow.kind !== 'prefix' && inner.replace(/\/+$/, '') === whole;
}

function isAnything(pattern: string): boolean {
  return pattern === '.*' || pattern === '/.*' || pattern === '^.*$' || pattern === '^/.*$';
}
