import type { Section } from '../../kdl/index.ts';
import type { CircuitBreaker } from './configuration.ts';
import { limitOf, type Scope } from './scopes.ts';

/** What `limits` say of every upstream of a scope. */
export interface UpstreamLimits {
  readonly maxIdle: number | undefined;
  readonly maxPending: number | undefined;
}

/** Of the nearest scope that says it. */
export function limitsIn(scope: Scope): UpstreamLimits {
  return {
    maxIdle: limitOf(scope, 'max-idle-connections-per-upstream')?.value,
    maxPending: limitOf(scope, 'max-queued-requests')?.value,
  };
}

/** `circuit-breaker { … }` of an upstream or a route. */
export function breakerOf(section: Section | undefined): CircuitBreaker {
  return {
    failures: section?.number('failure-threshold') ?? 5,
    openMs: section?.number('timeout-seconds') ?? 30_000,
    trial: {
      successes: section?.number('success-threshold') ?? 2,
      maxRequests: section?.number('half-open-max-requests') ?? 1,
    },
    ...(section === undefined && { isDefault: true }),
  };
}
