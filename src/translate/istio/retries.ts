import { DEFAULT_RETRY, type RetryCondition, type RetryPolicy } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { given, some } from '../given.ts';
import type { Report } from '../report.ts';

/**
 * Istio's own retryOn, which holds where somebody asks for attempts and does not say when: beside what is safe for every request,
 * calls of gRPC that say UNAVAILABLE or CANCELLED. Whoever asks for attempts wants them, although every call is a POST.
 */
const istiosOwn: readonly RetryCondition[] = [...DEFAULT_RETRY.on, 'unavailable', 'cancelled'];

const noAnswer: readonly RetryCondition[] = ['connect-failure', 'reset', 'refused-stream'];

/**
 * Envoy's words for when to retry (envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/router_filter) and ours. To
 * Envoy a try without an answer is a 5xx, and so also one of a gateway.
 */
const conditions: Readonly<Record<string, readonly RetryCondition[]>> = {
  '5xx': ['5xx', ...noAnswer],
  'gateway-error': ['gateway-error', ...noAnswer],
  reset: ['reset', 'connect-failure', 'refused-stream'],
  'reset-before-request': ['connect-failure', 'refused-stream'],
  'connect-failure': ['connect-failure'],
  'retriable-4xx': ['retriable-4xx'],
  'refused-stream': ['refused-stream'],
  cancelled: ['cancelled'],
  'deadline-exceeded': ['deadline-exceeded'],
  internal: ['internal'],
  'resource-exhausted': ['resource-exhausted'],
  unavailable: ['unavailable'],
  // The numbers beside it say which.
  'retriable-status-codes': [],
};

/** Istio's HTTPRetry. What it leaves out keeps Weft's defaults. */
export function readRetries(retries: Fields, report: Report): Partial<RetryPolicy> {
  const attempts = retries.number('attempts', { max: 100 });
  const perTryTimeoutMs = retries.duration('perTryTimeout');
  const backoffBaseMs = retries.duration('backoff', 1);
  const words = retries.text('retryOn');
  const on = words === undefined ? undefined : readConditions(words, retries.at('retryOn'), report);
  const remoteLocalities = retries.flag('retryRemoteLocalities');
  if (retries.flag('retryIgnorePreviousHosts') === false) {
    const why = 'later tries go to another endpoint where there is one';
    retries.unsupported('retryIgnorePreviousHosts', `cannot be switched off; ${why}`);
  }
  retries.rest();
  if (attempts === 0) return { attempts };
  if (attempts === undefined) {
    const path = retries.at('attempts');
    report.warn('field-not-supported', path, `${path} is missing; say how many, or the default stays`);
  }
  return given({
    attempts,
    perTryTimeoutMs,
    on: on?.on ?? (attempts === undefined ? undefined : istiosOwn),
    statuses: on && some(on.statuses),
    backoffBaseMs,
    // Envoy's default for the longest is ten times the shortest.
    backoffMaxMs: backoffBaseMs === undefined ? undefined : backoffBaseMs * 10,
    remoteLocalities,
  });
}

function readConditions(
  text: string,
  path: string,
  report: Report,
): { readonly on: readonly RetryCondition[]; readonly statuses: readonly number[] } | undefined {
  const on = new Set<RetryCondition>();
  const statuses = new Set<number>();
  const words = text.split(',').map(each => each.trim());
  for (const word of words.filter(each => each !== '')) {
    if (/^[1-5]\d\d$/.test(word)) statuses.add(Number(word));
    else if (Object.hasOwn(conditions, word)) for (const each of conditions[word]!) on.add(each);
    else report.warn('field-not-supported', path, `${path}: '${word}' is no condition that is known here`);
  }
  if (words.every(each => each === '')) return undefined;
  return { on: [...on], statuses: [...statuses] };
}
