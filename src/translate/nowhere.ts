import type { ForwardTo, Respond, RouteTarget } from '../model/index.ts';

/** Begins answers of Weft's own. */
const mark = 'weft: ';

/** No host of the world ends so (RFC 6761 section 6.4). */
const suffix = '.invalid';

/**
 * The target where traffic may not go: its share is refused like that of a Service without endpoints, and its cluster's name says
 * why (`reviews.shop.not-permitted.invalid:80`).
 */
export function nowhere(
  target: RouteTarget,
  name: string,
  namespace: string,
  why: 'not-permitted' | 'not-supported',
): RouteTarget {
  return { ...target, host: `${name}.${namespace}.${why}${suffix}` };
}

/** Whether nowhere() made it. */
export function isNowhere({ host }: Pick<RouteTarget, 'host'>): boolean {
  return host.endsWith(suffix);
}

/** Where every share leads nowhere: a plain 500 that names the reason, as Gateway API wants it. */
export function answerIfNowhere(action: ForwardTo, path: string): ForwardTo | Respond {
  const leads = action.targets.some(target => target.weight > 0 && !isNowhere(target));
  return leads ? action : refusal(`${path} has no backend that requests may be sent to`);
}

/** The answer of a rule that cannot be carried out. */
export function refusal(why: string): Respond {
  return { kind: 'respond', status: 500, body: `${mark}${why}\n`, contentType: 'text/plain' };
}

/** Whether refusal() made it. */
export function isRefusal(action: { readonly kind: string; readonly body?: string }): boolean {
  return action.kind === 'respond' && action.body?.startsWith(mark) === true;
}
