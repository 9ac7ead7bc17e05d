import { type Exposition, labelText, type Rendering } from './exposition.ts';
import { OVERFLOW } from './peer-names.ts';

/**
 * What the limits of one policy did with the requests that they concern; counted by who runs them, never looked up per request.
 */
export interface LimitSeries {
  /** Within the limit. */
  allowed: number;
  /** Over it, refused or not. */
  limited: number;
  /** Over it and refused. */
  enforced: number;
}

const maxPolicies = 1_000;
const name = 'weft_rate_limit_requests_total';

/**
 * Requests that rate limits concern, by policy and by what became of them: a limit with `dryRun` shows here what it would refuse.
 */
export class LimitMetrics {
  readonly #series = new Map<string, LimitSeries>();
  #overflow: LimitSeries | undefined;

  /** Of a policy, kept over changes of its configuration. `policy`: as messages name it, `RateLimit api.shop`. */
  open(policy: string): LimitSeries {
    const known = this.#series.get(policy);
    if (known !== undefined) return known;
    if (this.#series.size >= maxPolicies) {
      this.#overflow ??= { allowed: 0, limited: 0, enforced: 0 };
      return this.#overflow;
    }
    const series: LimitSeries = { allowed: 0, limited: 0, enforced: 0 };
    this.#series.set(policy, series);
    return series;
  }

  *render(out: Exposition): Rendering {
    if (this.#series.size === 0) return;
    out.family(name, 'counter', 'Requests that a rate limit concerns, by what became of them.');
    for (const [policy, series] of this.#series) {
      render(out, labelText({ policy }), series);
      if (out.full) yield;
    }
    if (this.#overflow) render(out, labelText({ policy: OVERFLOW, overflow: 'true' }), this.#overflow);
  }
}

function render(out: Exposition, labels: string, { allowed, limited, enforced }: LimitSeries): void {
  out.sample(name, `${labels},outcome="allowed"`, allowed);
  out.sample(name, `${labels},outcome="over"`, limited - enforced);
  out.sample(name, `${labels},outcome="refused"`, enforced);
}
