import type { AuthorizationRule, WorkloadAuthorization } from '../model/index.ts';
import type { RuleScan } from '../routing/index.ts';
import { type CompiledRule, compileRule, type RuleSite } from './compiled-rule.ts';
import { RuleIndex } from './rule-index.ts';
import { type JudgedCaller, type JudgedRequest, Subject } from './subject.ts';

/** A rule that held. */
export interface MatchedRule {
  readonly policy: WorkloadAuthorization;
  readonly rule: AuthorizationRule;
}

const subject = new Subject();

/** The rules of all policies of one action on one port: whether any of them holds. */
export class RuleSet implements RuleScan {
  /** Every policy that is asked, with rules here or not. */
  readonly policies: readonly WorkloadAuthorization[];
  /** Rules that cannot be compiled, each with the reason; they let nobody in. */
  readonly faults: readonly string[];
  readonly #rules: readonly CompiledRule[];
  readonly #matched: readonly MatchedRule[];
  readonly #index: RuleIndex;
  #best = 0;
  #subject = subject;

  /** `permits`: whether what they match may pass. */
  constructor(policies: readonly WorkloadAuthorization[], permits: boolean, site: RuleSite) {
    const rules: CompiledRule[] = [];
    const matched: MatchedRule[] = [];
    const faults: string[] = [];
    for (const policy of policies) {
      for (const rule of policy.rules) {
        const { rule: compiled, fault } = compileRule(rule, permits, site);
        if (fault !== undefined)
          faults.push(`${policy.from.name}.${policy.from.namespace}, rule ${rule.name}: ${fault}`);
        if (compiled === undefined) continue;
        rules.push(compiled);
        matched.push({ policy, rule });
      }
    }
    this.policies = policies;
    this.faults = faults;
    this.#rules = rules;
    this.#matched = matched;
    this.#index = new RuleIndex(rules);
  }

  /** The first rule that holds for the request. */
  match(request: JudgedRequest): MatchedRule | undefined {
    return this.find(subject.ofRequest(request));
  }

  /** The same for a connection whose bytes are not read. */
  matchConnection(caller: JudgedCaller): MatchedRule | undefined {
    return this.find(subject.ofConnection(caller));
  }

  /** The same of a subject that is filled already. */
  find(of: Subject): MatchedRule | undefined {
    const { length } = this.#rules;
    if (length === 0) return undefined;
    this.#best = length;
    this.#subject = of;
    this.#index.walk(of, this);
    return this.#matched[this.#best];
  }

  /** For the index. */
  rules(ascending: readonly number[]): void {
    for (let i = 0; i < ascending.length; i++) {
      const rule = ascending[i]!;
      if (rule >= this.#best) return;
      if (this.#rules[rule]!.holds(this.#subject)) {
        this.#best = rule;
        return;
      }
    }
  }
}
