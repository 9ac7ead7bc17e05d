import { WeftError } from '../errors/index.ts';
import type { Field } from '../http/index.ts';
import { equal, formatRef, type RateLimit as RateLimitModel } from '../model/index.ts';
import { TokenBucket } from '../time/index.ts';
import { Condition } from './condition.ts';
import { HeaderEdits } from './header-edits.ts';
import type { VariableSource } from './header-template.ts';
import type { RequestParts } from './request-parts.ts';

/** Uniform in [0, 1). */
export type Random = () => number;

/** What a limit says of a request. `WARN`: over it, but the limit is only tried out. */
export const LIMIT = { PASS: 0, WARN: 1, REFUSE: 2 } as const;

/** What the limits of a policy did; see telemetry/limit-metrics.ts. */
export interface LimitCounts {
  allowed: number;
  limited: number;
  enforced: number;
}

function noCounts(): LimitCounts {
  return { allowed: 0, limited: 0, enforced: 0 };
}

/** A RateLimit while it runs. */
export class RateLimit {
  readonly limit: RateLimitModel;
  readonly #counts: LimitCounts;
  readonly #bucket: TokenBucket;
  readonly #conditions: readonly Condition[];
  readonly #edits: HeaderEdits | undefined;
  readonly #random: Random;

  /** Throws a WeftError for what cannot be kept to. */
  constructor(limit: RateLimitModel, random: Random, nowMs: number, counts: LimitCounts = noCounts()) {
    const { maxTokens, perFill, fillIntervalMs } = limit.bucket;
    if (!(maxTokens >= 1 && perFill >= 0 && fillIntervalMs > 0))
      throw new WeftError(
        'bad-rate-limit',
        `the rate limit${limit.from ? ` of ${formatRef(limit.from)}` : ''} wants at least one token and an interval above 0 ms`,
        { source: 'config' },
      );
    this.limit = limit;
    this.#counts = counts;
    this.#bucket = new TokenBucket(limit.bucket, nowMs);
    this.#conditions = limit.matches.map(match => new Condition(match));
    this.#edits = HeaderEdits.of(limit.responseHeaders, 'response');
    this.#random = random;
  }

  /** One of LIMIT; takes a token if the limit concerns the request. */
  judge(parts: RequestParts, nowMs: number): number {
    const { enabledPercent, enforcedPercent } = this.limit;
    if (!this.#concerns(parts) || !chance(enabledPercent, this.#random)) return LIMIT.PASS;
    if (this.#bucket.take(nowMs)) {
      this.#counts.allowed++;
      return LIMIT.PASS;
    }
    this.#counts.limited++;
    if (!chance(enforcedPercent, this.#random)) return LIMIT.WARN;
    this.#counts.enforced++;
    return LIMIT.REFUSE;
  }

  /** Fields of a refusal: when to come again, Envoy's mark, and what the policy adds. */
  fields(source: VariableSource, nowMs: number): readonly Field[] {
    const waitMs = this.#bucket.waitMs(nowMs);
    const seconds = Number.isFinite(waitMs) ? Math.max(1, Math.ceil(waitMs / 1000)) : 0;
    const retry: Field[] = seconds > 0 ? [['retry-after', String(seconds)]] : [];
    return [['x-envoy-ratelimited', 'true'], ...retry, ...(this.#edits?.fields(source) ?? [])];
  }

  #concerns(parts: RequestParts): boolean {
    if (this.#conditions.length === 0) return true;
    for (let i = 0; i < this.#conditions.length; i++) if (this.#conditions[i]!.test(parts)) return true;
    return false;
  }
}

/** Runs the limits; those that ran before go on with the tokens that they have. */
export function rateLimits(
  limits: readonly RateLimitModel[] | undefined,
  before: readonly RateLimit[],
  random: Random,
  nowMs: number,
  countsOf: (limit: RateLimitModel) => LimitCounts = noCounts,
): RateLimit[] {
  const kept = [...before];
  return (limits ?? []).map(limit => {
    const same = kept.findIndex(running => equal(running.limit, limit));
    return same < 0 ? new RateLimit(limit, random, nowMs, countsOf(limit)) : kept.splice(same, 1)[0]!;
  });
}

/** Whether this time is one of `percent` in a hundred. */
export function chance(percent: number, random: Random): boolean {
  return percent >= 100 || (percent > 0 && random() * 100 < percent);
}
