import type { Head } from '../../http/index.ts';
import type { Route } from '../../model/index.ts';
import { RouteMatcher } from '../../routing/index.ts';
import type { PlainRequest } from './request.ts';
import { whyNot } from './why-not.ts';

/** Which route a request takes, and why none before it. */
export interface Decision {
  /** Number of the route; -1 when none matches. */
  readonly taken: number;
  /** For every route that was tried in vain, in order. */
  readonly whyNot: readonly string[];
}

/** Asks the very matcher that proxies run. */
export function decide(
  routes: readonly Pick<Route, 'matches'>[],
  request: PlainRequest,
  head: Head,
): Decision {
  const taken = new RouteMatcher(routes).match(head);
  const tried = taken < 0 ? routes : routes.slice(0, taken);
  return { taken, whyNot: tried.map(({ matches = [] }) => whyNot(matches, request, head)) };
}
