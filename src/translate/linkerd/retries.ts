import type { RetryBudget, RetryPolicy } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import type { Report } from '../report.ts';

/** Linkerd bounds retries by the budget alone. So many tries for one request are more than a caller waits for. */
const attempts = 10;

/**
 * `isRetryable`: every failure is tried again, whatever the method, since the author says so; response classes say what a failure
 * is. Undefined leaves Weft's default, which repeats only what is certainly safe to repeat.
 */
export function retryOf(isRetryable: boolean | undefined): Partial<RetryPolicy> | undefined {
  if (isRetryable === undefined) return undefined;
  if (!isRetryable) return { attempts: 0 };
  return { attempts, on: ['5xx', 'connect-failure', 'reset', 'refused-stream'], nonIdempotent: true };
}

/** All of its fields must be there. */
export function readBudget(budget: Fields | undefined, report: Report): RetryBudget | undefined {
  if (!budget) return undefined;
  const ratio = budget.decimal('retryRatio', { max: 1000 });
  const minPerSecond = budget.number('minRetriesPerSecond');
  const ttlMs = budget.duration('ttl', 1000);
  for (const name of ['retryRatio', 'minRetriesPerSecond', 'ttl'])
    if (!budget.has(name)) report.error('field-invalid', budget.at(name), `${budget.at(name)} is missing`);
  budget.rest();
  if (ratio === undefined || minPerSecond === undefined || ttlMs === undefined) return undefined;
  return { ratio, minPerSecond, ttlMs };
}
