import { errorMessage } from '../errors/index.ts';
import type { RateLimit as RateLimitModel, RequestMatch } from '../model/index.ts';
import { CompiledRoute, type RouteWords } from './compiled-route.ts';
import { Condition } from './condition.ts';
import { RateLimit } from './rate-limit.ts';

const parts = { random: () => 0, nowMs: 0 };

/** Why no proxy would take a route that says this; undefined where all would. Tries the very thing that proxies run. */
export function routeFault(words: RouteWords): string | undefined {
  return reasonOf(() => new CompiledRoute(words, parts));
}

/** The same of conditions. */
export function conditionFault(matches: readonly RequestMatch[]): string | undefined {
  return reasonOf(() => matches.map(match => new Condition(match)));
}

/** The same of a limit of what a workload takes in. */
export function rateLimitFault(limit: RateLimitModel): string | undefined {
  const action = { kind: 'forward' } as const;
  return reasonOf(() => [
    new RateLimit(limit, parts.random, parts.nowMs),
    new CompiledRoute({ action, choices: [], rateLimits: [limit] }, parts),
  ]);
}

function reasonOf(compile: () => unknown): string | undefined {
  try {
    compile();
    return undefined;
  } catch (thrown) {
    return errorMessage(thrown);
  }
}
