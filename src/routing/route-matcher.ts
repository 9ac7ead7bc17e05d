import type { Head } from '../http/index.ts';
import type { RequestMatch, Route, VerifiedToken } from '../model/index.ts';
import { Condition } from './condition.ts';
import { RequestParts } from './request-parts.ts';
import { RouteIndex, type Rule } from './route-index.ts';

/** Conditions that were compiled: a destination that is told again has most of its routes as they were. */
const compiled = new WeakMap<RequestMatch, Condition>();

function conditionOf(match: RequestMatch): Condition {
  let condition = compiled.get(match);
  if (condition === undefined) {
    condition = new Condition(match);
    compiled.set(match, condition);
  }
  return condition;
}

/** Matching ends before the next request is looked at, so one for all is enough. */
const parts = new RequestParts();

/**
 * The routes of one destination: which of them a request takes. Compiled once, immutable; matching allocates nothing unless a
 * regex runs.
 */
export class RouteMatcher {
  /** Undefined where the first route takes every request. */
  readonly #index: RouteIndex | undefined;
  readonly #size: number;

  /** Throws a WeftError for a pattern that is not RE2 or too large. */
  constructor(routes: readonly Pick<Route, 'matches'>[]) {
    const rules = routes.flatMap(({ matches }, route): Rule[] => {
      const asked = matches === undefined || matches.length === 0 ? [{}] : matches;
      return asked.map(match => ({ condition: conditionOf(match), route }));
    });
    const [first] = rules;
    this.#size = routes.length;
    this.#index = first === undefined || first.condition.holdsAlways ? undefined : new RouteIndex(rules);
  }

  /** The number of the first route that matches; -1 when none does. `token`: what the request brings, where it was verified. */
  match(head: Head, token?: VerifiedToken): number {
    if (this.#index === undefined) return this.#size === 0 ? -1 : 0;
    parts.read(head);
    parts.token = token;
    return this.#index.find(parts);
  }
}
