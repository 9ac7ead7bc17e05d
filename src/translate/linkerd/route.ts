import type { RetryBudget, RouteRule } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { given, some } from '../given.ts';
import type { Report } from '../report.ts';
import { readRouteCondition } from './condition.ts';
import { readResponseClasses } from './response-classes.ts';
import { readBudget, retryOf } from './retries.ts';

/** One of spec.routes; where its requests go is for the profile to say. */
export interface ProfileRoute {
  readonly rule: Omit<RouteRule, 'action'>;
  /** A budget that stands in the route instead of the profile. */
  readonly budget?: { readonly value: RetryBudget; readonly path: string };
}

/** Its name is the name that its metrics have. */
export function readRoute(route: Fields, report: Report): ProfileRoute | undefined {
  const name = route.text('name');
  if (!route.has('name'))
    report.error('field-invalid', route.at('name'), `${route.at('name')} is missing; metrics need a name`);
  const condition = route.object('condition');
  if (!route.has('condition'))
    report.error(
      'field-invalid',
      route.at('condition'),
      `${route.at('condition')} is missing; say which requests`,
    );
  const matches = condition && readRouteCondition(condition, report);
  const responseClasses = readResponseClasses(route, report);
  const retry = retryOf(route.flag('isRetryable'));
  const timeoutMs = route.duration('timeout');
  const value = readBudget(route.object('retryBudget'), report);
  route.rest();
  if (name === undefined || !matches) return undefined;
  const rule = {
    name,
    path: route.path,
    matches: matches.map(request => ({ request })),
    ...given({ timeoutMs, retry, responseClasses: some(responseClasses), metricsName: name }),
  };
  return { rule, ...(value && { budget: { value, path: route.at('retryBudget') } }) };
}
