import type { TokenBucket } from '../model/index.ts';

/** So many requests in a time, evenly: a token comes as often as one is due, instead of all at once at the end. */
export function evenBucket(requests: number, perMs: number, maxTokens: number): TokenBucket {
  const eachMs = perMs / requests;
  if (eachMs >= 1) return { maxTokens, perFill: 1, fillIntervalMs: eachMs };
  return { maxTokens, perFill: 1 / eachMs, fillIntervalMs: 1 };
}
