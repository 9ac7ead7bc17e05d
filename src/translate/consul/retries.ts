import type { RetryCondition, RetryPolicy } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { given, some } from '../given.ts';
import type { Report } from '../report.ts';

const noAnswer: readonly RetryCondition[] = ['connect-failure', 'reset', 'refused-stream'];

/** Envoy's words, which Consul hands on; to Envoy a try without an answer is a 5xx, and so also one of a gateway. */
const conditions: Readonly<Record<string, readonly RetryCondition[]>> = {
  '5xx': ['5xx', ...noAnswer],
  'gateway-error': ['gateway-error', ...noAnswer],
  reset: ['reset', 'connect-failure', 'refused-stream'],
  'connect-failure': ['connect-failure'],
  'retriable-4xx': ['retriable-4xx'],
  'refused-stream': ['refused-stream'],
  cancelled: ['cancelled'],
  'deadline-exceeded': ['deadline-exceeded'],
  internal: ['internal'],
  'resource-exhausted': ['resource-exhausted'],
  unavailable: ['unavailable'],
};

/** Words for answers that nobody looks for: those of Envoy's own rate limiter. */
const unseen = ['envoy-ratelimited'];

/** Retries of a destination; undefined where it says nothing of them, so that Weft's defaults stay. */
export function readRetry(destination: Fields, report: Report): Partial<RetryPolicy> | undefined {
  const attempts = destination.number('numRetries', { max: 100 }) || undefined;
  const onConnect = destination.flag('retryOnConnectFailure') ?? false;
  const statuses = readStatuses(destination, report);
  const words = destination.texts('retryOn');
  const on = new Set<RetryCondition>(onConnect ? ['connect-failure'] : []);
  words.forEach((word, index) => {
    const path = `${destination.at('retryOn')}[${index}]`;
    if (Object.hasOwn(conditions, word)) for (const each of conditions[word]!) on.add(each);
    else if (unseen.includes(word))
      report.warn('field-not-supported', path, `${path}: '${word}' is not looked for yet`);
    else
      report.error(
        'field-invalid',
        path,
        `${path}: '${word}' is none of ${Object.keys(conditions).join(', ')}`,
      );
  });
  if (attempts === undefined && on.size === 0 && statuses.length === 0 && words.length === 0)
    return undefined;
  if (on.size === 0 && statuses.length === 0) {
    const path = destination.at('numRetries');
    report.warn(
      'field-not-supported',
      path,
      `${path}: nothing says when, so nothing is retried; add retryOn`,
    );
  }
  // One, where Consul leaves the number to Envoy.
  return { attempts: attempts ?? 1, on: [...on], ...given({ statuses: some(statuses) }) };
}

function readStatuses(destination: Fields, report: Report): readonly number[] {
  const path = destination.at('retryOnStatusCodes');
  return destination.numbers('retryOnStatusCodes', { min: 100, max: 599 }).filter(status => {
    if (status >= 400) return true;
    report.warn('field-not-supported', path, `${path}: ${status} is no failure and is not retried`);
    return false;
  });
}
