import { type Exposition, labelText, type Rendering } from './exposition.ts';
import { OVERFLOW } from './peer-names.ts';

/** What came of one policy; counted by who decides, never looked up per request. */
export interface PolicySeries {
  matched: number;
}

const maxSeries = 4_000;
const name = 'weft_authorization_total';

/** Requests and connections that authorization policies were asked about, by policy and by what came of it. */
export class AuthorizationMetrics {
  readonly #series = new Map<string, PolicySeries>();
  #overflow: PolicySeries | undefined;

  /**
   * Of a policy, kept over changes of its configuration. `policy`: as messages name it, `AuthorizationPolicy api.shop`; '' where
   * no rule of any policy held. `outcome`: `denied`, `allowed`, `audited`; `would-deny` and `would-allow` of those only tried.
   */
  open(policy: string, outcome: string): PolicySeries {
    const labels = labelText({ policy: policy === '' ? 'none' : policy, outcome });
    const known = this.#series.get(labels);
    if (known !== undefined) return known;
    if (this.#series.size >= maxSeries) {
      this.#overflow ??= { matched: 0 };
      return this.#overflow;
    }
    const series: PolicySeries = { matched: 0 };
    this.#series.set(labels, series);
    return series;
  }

  *render(out: Exposition): Rendering {
    if (this.#series.size === 0) return;
    const help =
      'Requests and connections that an authorization policy decided, or would have decided, by its outcome.';
    out.family(name, 'counter', help);
    for (const [labels, { matched }] of this.#series) {
      out.sample(name, labels, matched);
      if (out.full) yield;
    }
    if (this.#overflow)
      out.sample(
        name,
        labelText({ policy: OVERFLOW, outcome: OVERFLOW, overflow: 'true' }),
        this.#overflow.matched,
      );
  }
}
