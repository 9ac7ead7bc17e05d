import type { RetryCondition, RetryPolicy } from '../../model/index.ts';

/**
 * Whether a status is one that the policy retries, and under which condition; undefined when not. `failed`: it counts as a
 * failure, which response classes may have decided otherwise than the number says.
 */
export function retriableStatus(
  policy: RetryPolicy,
  status: number,
  failed: boolean,
): RetryCondition | 'status' | undefined {
  if (policy.statuses?.includes(status)) return 'status';
  if (!failed && status >= 500) return undefined;
  if (failed && status < 500) return policy.on.includes('5xx') ? '5xx' : undefined;
  if (status < 500)
    return status === 409 && policy.on.includes('retriable-4xx') ? 'retriable-4xx' : undefined;
  if (status >= 502 && status <= 504 && policy.on.includes('gateway-error')) return 'gateway-error';
  return policy.on.includes('5xx') ? '5xx' : undefined;
}

/**
 * Exponential backoff with full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter", 2015), after the shortest wait
 * that the policy demands. `retry` counts from 1.
 */
export function backoffMs(policy: RetryPolicy, retry: number, random: number): number {
  const ceiling = Math.min(policy.backoffMaxMs, policy.backoffBaseMs * 2 ** (retry - 1));
  return (policy.backoffMinMs ?? 0) + random * ceiling;
}

/**
 * Under which of its conditions the policy retries a try that took too long. To Envoy its stream is reset, and so 5xx,
 * gateway-error and reset all hold ("does not respond at all (disconnect/reset/read timeout)"); without a connection also
 * connect-failure.
 */
export function timeoutCondition({ on }: RetryPolicy, untouched: boolean): RetryCondition {
  if (on.includes('gateway-error')) return 'gateway-error';
  if (on.includes('5xx')) return '5xx';
  return untouched && on.includes('connect-failure') ? 'connect-failure' : 'reset';
}
