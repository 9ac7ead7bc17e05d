import type { RetryCondition, RetryPolicy } from '../model/index.ts';

/** Whether a status is one that the policy retries, and under which condition; undefined when not. */
export function retriableStatus(policy: RetryPolicy, status: number): RetryCondition | undefined {
  if (status < 500)
    return status === 409 && policy.on.includes('retriable-4xx') ? 'retriable-4xx' : undefined;
  if (status >= 502 && status <= 504 && policy.on.includes('gateway-error')) return 'gateway-error';
  return policy.on.includes('5xx') ? '5xx' : undefined;
}

/** Exponential backoff with full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter", 2015). `retry` counts from 1. */
export function backoffMs(policy: RetryPolicy, retry: number, random: number): number {
  const ceiling = Math.min(policy.backoffMaxMs, policy.backoffBaseMs * 2 ** (retry - 1));
  return random * ceiling;
}
