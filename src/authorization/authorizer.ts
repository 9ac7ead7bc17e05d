import { internalError } from '../errors/index.ts';
import { formatRef, type ObjectRef, type WorkloadAuthorization } from '../model/index.ts';
import type { RuleSite } from './compiled-rule.ts';
import { type MatchedRule, RuleSet } from './rule-set.ts';
import { type JudgedCaller, type JudgedRequest, Subject } from './subject.ts';

/** Why somebody is refused. One object for each rule, made when it is compiled. */
export interface Denial {
  /** As Envoy's response_code_details has it: `rbac_access_denied_matched_policy[ns[shop]-policy[deny]-rule[0]]`. */
  readonly code: string;
  /** What decided, in words: `rule 0 of AuthorizationPolicy deny.shop refuses it`. */
  readonly words: string;
  /** The policy that refuses, or that is the first of those which would have had to allow it. */
  readonly policy?: WorkloadAuthorization;
}

/** Counts what came of policies; each number belongs to one policy. */
export interface AuthorizationSeries {
  matched: number;
}

/** Where counts are kept: by policy as messages name it, '' for no rule of any, and by what came of it. */
export type OpenSeries = (policy: string, outcome: AuthorizationOutcome) => AuthorizationSeries;

/** `would-…`: of policies that are only tried. */
export type AuthorizationOutcome = 'allowed' | 'denied' | 'audited' | 'would-allow' | 'would-deny';

/** What a trial of policies came to, for the log. */
export interface Trial {
  readonly outcome: 'would-allow' | 'would-deny';
  readonly words: string;
}

/** What nobody could decide. */
const UNDECIDED: Denial = {
  code: 'rbac_access_denied_matched_policy[none]',
  words: 'it could not be judged, which refuses it; the log of this proxy has the error',
};

function undecided(thrown: unknown): Denial {
  internalError('authorization', thrown);
  return UNDECIDED;
}

const unseen: AuthorizationSeries = { matched: 0 };

/** The rules of one action, and what each of its policies is counted as. */
interface Counted {
  readonly rules: RuleSet;
  readonly series: ReadonlyMap<WorkloadAuthorization, AuthorizationSeries>;
  /** Where no rule holds. */
  readonly none: AuthorizationSeries;
}

const subject = new Subject();

/**
 * Decides who may call one port of a workload, in Istio's order: what a DENY policy matches is refused; where there are ALLOW
 * policies, so is what none of them matches. Nothing is kept of a request, and deciding makes no objects. CUSTOM policies are
 * for `externalRules`, which somebody else asks before.
 */
export class Authorizer {
  readonly #deny: Counted | undefined;
  readonly #allow: Counted | undefined;
  readonly #audit: Counted | undefined;
  readonly #tryDeny: Counted | undefined;
  readonly #tryAllow: Counted | undefined;
  readonly #denials = new Map<MatchedRule, Denial>();
  readonly #unmatched: Denial | undefined;
  /** Rules that cannot be compiled, which let nobody in. */
  readonly faults: readonly string[];
  /** Told what policies that are only tried would have done. */
  onTrial: ((trial: Trial, caller: JudgedCaller) => void) | undefined;

  /** The one for a port; undefined where nothing is to be asked there. */
  static of(
    all: readonly WorkloadAuthorization[] | undefined,
    site: RuleSite,
    open: OpenSeries = () => unseen,
  ): Authorizer | undefined {
    const here = (all ?? []).filter(each => each.action !== 'custom' && holdsAt(each, site));
    return here.length === 0 ? undefined : new Authorizer(here, site, open);
  }

  private constructor(policies: readonly WorkloadAuthorization[], site: RuleSite, open: OpenSeries) {
    const rulesOf = (
      action: WorkloadAuthorization['action'],
      tried: boolean,
      outcome: AuthorizationOutcome,
      otherwise: AuthorizationOutcome,
    ): Counted | undefined => {
      const chosen = policies.filter(each => each.action === action && (each.dryRun ?? false) === tried);
      if (chosen.length === 0) return undefined;
      const series = chosen.map(policy => [policy, open(nameOf(policy), outcome)] as const);
      return {
        rules: new RuleSet(chosen, action === 'allow', site),
        series: new Map(series),
        none: action === 'allow' ? open('', otherwise) : unseen,
      };
    };
    this.#deny = rulesOf('deny', false, 'denied', 'allowed');
    this.#allow = rulesOf('allow', false, 'allowed', 'denied');
    this.#audit = rulesOf('audit', false, 'audited', 'audited');
    this.#tryDeny = rulesOf('deny', true, 'would-deny', 'would-allow');
    this.#tryAllow = rulesOf('allow', true, 'would-allow', 'would-deny');
    this.#unmatched = this.#allow && unmatched(this.#allow.rules.policies);
    this.faults = [this.#deny, this.#allow, this.#audit, this.#tryDeny, this.#tryAllow].flatMap(
      each => each?.rules.faults ?? [],
    );
  }

  /** Undefined: it may pass. What goes wrong while it is judged refuses it. */
  judge(request: JudgedRequest): Denial | undefined {
    try {
      subject.ofRequest(request);
      this.#note(subject);
      return this.#decide(subject, true);
    } catch (thrown) {
      return undecided(thrown);
    }
  }

  /** The same of a connection whose bytes are not read. */
  judgeConnection(caller: JudgedCaller): Denial | undefined {
    try {
      subject.ofConnection(caller);
      this.#note(subject);
      return this.#decide(subject, true);
    } catch (thrown) {
      return undecided(thrown);
    }
  }

  /** The same, only asked: nothing is counted or told. */
  peekConnection(caller: JudgedCaller): Denial | undefined {
    try {
      return this.#decide(subject.ofConnection(caller), false);
    } catch (thrown) {
      return undecided(thrown);
    }
  }

  #decide(of: Subject, counts: boolean): Denial | undefined {
    const refused = this.#deny?.rules.find(of);
    if (refused !== undefined) {
      if (counts) count(this.#deny!, refused);
      return this.#denialOf(refused);
    }
    if (this.#allow === undefined) return undefined;
    const allowed = this.#allow.rules.find(of);
    if (counts) count(this.#allow, allowed);
    return allowed === undefined ? this.#unmatched : undefined;
  }

  /** What decides nothing. */
  #note(of: Subject): void {
    if (this.#audit !== undefined) count(this.#audit, this.#audit.rules.find(of));
    const refused = this.#tryDeny?.rules.find(of);
    if (refused !== undefined) {
      count(this.#tryDeny!, refused);
      this.onTrial?.({ outcome: 'would-deny', words: ruleWords(refused) }, of.caller);
    }
    if (this.#tryAllow === undefined) return;
    const allowed = this.#tryAllow.rules.find(of);
    count(this.#tryAllow, allowed);
    if (allowed === undefined)
      this.onTrial?.({ outcome: 'would-deny', words: noneWords(this.#tryAllow.rules.policies) }, of.caller);
  }

  #denialOf(matched: MatchedRule): Denial {
    let denial = this.#denials.get(matched);
    if (denial === undefined) {
      const { policy, rule } = matched;
      const { namespace, name } = policy.from;
      denial = {
        code: `rbac_access_denied_matched_policy[ns[${namespace}]-policy[${name}]-rule[${rule.name}]]`,
        words: `${ruleWords(matched)} refuses it`,
        policy,
      };
      this.#denials.set(matched, denial);
    }
    return denial;
  }
}

/** The rules that external authorizers are asked for on a port: for each of them in order, whether a request is its business. */
export function externalRules(
  all: readonly WorkloadAuthorization[] | undefined,
  site: RuleSite,
): readonly { readonly provider: string; readonly rules: RuleSet }[] {
  const here = (all ?? []).filter(each => each.action === 'custom' && holdsAt(each, site));
  const providers = [...new Set(here.map(({ provider = '' }) => provider))];
  return providers.map(provider => ({
    provider,
    rules: new RuleSet(
      here.filter(each => (each.provider ?? '') === provider),
      false,
      site,
    ),
  }));
}

function holdsAt(
  { ports, exceptPorts, onlyRequests }: WorkloadAuthorization,
  { port, of }: RuleSite,
): boolean {
  if (onlyRequests && of === 'connections') return false;
  return ports?.includes(port) !== false && exceptPorts?.includes(port) !== true;
}

function count({ series, none }: Counted, matched: MatchedRule | undefined): void {
  const counts = matched === undefined ? none : series.get(matched.policy)!;
  counts.matched++;
}

function unmatched(policies: readonly WorkloadAuthorization[]): Denial {
  return {
    code: 'rbac_access_denied_matched_policy[none]',
    words: noneWords(policies),
    policy: policies[0]!,
  };
}

function ruleWords({ policy, rule }: MatchedRule): string {
  return `rule ${rule.name} of ${nameOf(policy)}`;
}

/** At most three by name. */
function noneWords(policies: readonly WorkloadAuthorization[]): string {
  const names = [...new Set(policies.map(nameOf))];
  const more = names.length > 3 ? ` and ${names.length - 3} more` : '';
  return `no rule of ${names.slice(0, 3).join(', ')}${more} allows it`;
}

function nameOf({ from }: { readonly from: ObjectRef }): string {
  const { origin: _, ...ref } = from;
  return formatRef(ref);
}
