import type { NamedMatch, RequestMatch, RouteRule, RuleMatch } from '../../model/index.ts';
import type { CanaryOf } from './hosts.ts';

/**
 * The rule of a path with its canaries, the oldest first: of each the header decides, then the cookie, and what neither decides
 * is shared by weight (ingress-nginx's balancer.lua, route_to_alternative_balancer). There one canary is all that a path has.
 */
export function canaryRules(rule: RouteRule, canaries: readonly CanaryOf[]): readonly RouteRule[] {
  const { action } = rule;
  if (action.kind !== 'forward') return [rule];
  const decided = canaries.flatMap((canary, index): readonly RouteRule[] => {
    const { session: _, ...sessionless } = rule;
    const to = (name: string, match: RequestMatch, target: CanaryOf['target']): RouteRule => ({
      ...(target === canary.target && !canary.canary.isSticky ? sessionless : rule),
      name: `${rule.name}-canary-${index}-${name}`,
      matches: narrowed(rule.matches, match),
      action: { ...action, targets: [target] },
    });
    const [main] = action.targets;
    return conditionsOf(canary).map(({ name, match, isCanary }) =>
      to(name, match, isCanary ? canary.target : main!),
    );
  });
  // Those that share the sessions come first.
  const byWeight = [...canaries].sort(
    (left, right) => Number(right.canary.isSticky) - Number(left.canary.isSticky),
  );
  const shares = byWeight.map(({ canary: { weight, weightTotal, isSticky }, target }) => ({
    isSticky,
    ...target,
    weight: Math.round((weight / Math.max(1, weightTotal)) * 10_000),
  }));
  const taken = shares.reduce((sum, { weight }) => sum + weight, 0);
  if (taken === 0) return [...decided, rule];
  const used = shares.filter(({ weight }) => weight > 0);
  const targets = [
    ...action.targets.map(target => ({ ...target, weight: Math.max(0, 10_000 - taken) })),
    ...used.map(({ isSticky: _, ...target }) => target),
  ];
  const knowing = targets.length - used.filter(({ isSticky }) => !isSticky).length;
  const session =
    rule.session && knowing < targets.length ? { ...rule.session, targets: knowing } : rule.session;
  return [...decided, { ...rule, ...(session && { session }), action: { ...action, targets } }];
}

interface Decision {
  readonly name: string;
  readonly match: RequestMatch;
  readonly isCanary: boolean;
}

function conditionsOf({ canary: { header, cookie } }: CanaryOf): readonly Decision[] {
  const decisions: Decision[] = [];
  const field = (name: string, match: NamedMatch['match']): RequestMatch => ({ headers: [{ name, match }] });
  if (header !== undefined) {
    const { name, value, pattern } = header;
    if (value !== undefined)
      decisions.push({ name: 'value', match: field(name, { kind: 'exact', value }), isCanary: true });
    else if (pattern !== undefined)
      decisions.push({
        name: 'pattern',
        match: field(name, { kind: 'regex', value: `(?s).*(?:${pattern}).*` }),
        isCanary: true,
      });
    else
      for (const word of ['always', 'never'])
        decisions.push({
          name: `header-${word}`,
          match: field(name, { kind: 'exact', value: word }),
          isCanary: word === 'always',
        });
  }
  if (cookie !== undefined)
    for (const word of ['always', 'never'])
      decisions.push({
        name: `cookie-${word}`,
        match: field('cookie', {
          kind: 'regex',
          value: `(?:.*;\\s*)?${escaped(cookie)}=${word}\\s*(?:;.*)?`,
        }),
        isCanary: word === 'always',
      });
  return decisions;
}

function narrowed(matches: readonly RuleMatch[], match: RequestMatch): readonly RuleMatch[] {
  if (matches.length === 0) return [{ request: match }];
  return matches.map(({ request = {} }) => ({
    request: { ...request, headers: [...(request.headers ?? []), ...(match.headers ?? [])] },
  }));
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
