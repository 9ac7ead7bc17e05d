import { type AuthorizationRule, type AuthorizationTest, REQUEST_ATTRIBUTES } from '../model/index.ts';
import type { Subject } from './subject.ts';
import { type CompiledTest, compileTest, type TestSite } from './tests.ts';

/** Where rules are compiled for. */
export interface RuleSite extends Omit<TestSite, 'permits'> {
  /** Connections are what bytes that nobody reads come by: nothing of a request is known of them. */
  readonly of: 'requests' | 'connections';
}

/** One way in which a rule can hold: what must be asked, and what of it is written in the model. */
interface Alternative {
  readonly tests: readonly CompiledTest[];
  readonly said: readonly AuthorizationTest[];
}

const aboutRequests: ReadonlySet<string> = new Set(REQUEST_ATTRIBUTES);

/** A rule, ready to be asked. */
export class CompiledRule {
  /** Every clause has a test to ask. */
  readonly #clauses: readonly (readonly Alternative[])[];

  constructor(clauses: readonly (readonly Alternative[])[]) {
    this.#clauses = clauses;
  }

  /** What is asked for in each clause: one alternative of each must hold. */
  get said(): readonly (readonly (readonly AuthorizationTest[])[])[] {
    return this.#clauses.map(clause => clause.map(({ said }) => said));
  }

  holds(subject: Subject): boolean {
    const clauses = this.#clauses;
    for (let i = 0; i < clauses.length; i++) if (!clauseHolds(clauses[i]!, subject)) return false;
    return true;
  }
}

function clauseHolds(clause: readonly Alternative[], subject: Subject): boolean {
  for (let i = 0; i < clause.length; i++) {
    const { tests } = clause[i]!;
    let at = 0;
    while (at < tests.length && tests[at]!.holds(subject)) at++;
    if (at === tests.length) return true;
  }
  return false;
}

/**
 * Compiles a rule; undefined where it can never hold. What cannot be compiled lets nobody in: a rule that permits never holds,
 * one that refuses always does, and `fault` says why.
 */
export function compileRule(
  rule: AuthorizationRule,
  permits: boolean,
  site: RuleSite,
): { readonly rule: CompiledRule | undefined; readonly fault?: string } {
  try {
    return { rule: compile(rule, permits, site) };
  } catch (thrown) {
    const fault = thrown instanceof Error ? thrown.message : String(thrown);
    return { rule: permits ? undefined : new CompiledRule([]), fault };
  }
}

/**
 * For connections as Istio does it (pilot/pkg/security/authz/model): a rule that permits and asks for anything of a request is
 * left out whole; one that refuses is asked without that, and so holds for more.
 */
function compile({ clauses }: AuthorizationRule, permits: boolean, site: RuleSite): CompiledRule | undefined {
  const kept: Alternative[][] = [];
  for (const clause of clauses) {
    const alternatives: Alternative[] = [];
    let always = false;
    for (const tests of clause) {
      const known = site.of === 'requests' ? tests : tests.filter(({ of }) => !aboutRequests.has(of));
      if (permits && known.length < tests.length) return undefined;
      const alternative = compileTests(known, permits, site);
      if (alternative === undefined) continue;
      if (alternative.tests.length === 0) always = true;
      alternatives.push(alternative);
    }
    if (always) continue;
    if (alternatives.length === 0) return undefined;
    kept.push(alternatives);
  }
  return new CompiledRule(kept);
}

/** Undefined where they can never hold together; without tests where they always do. */
function compileTests(
  said: readonly AuthorizationTest[],
  permits: boolean,
  site: RuleSite,
): Alternative | undefined {
  const tests: CompiledTest[] = [];
  const asked: AuthorizationTest[] = [];
  let never = false;
  for (const test of said) {
    const compiled = compileTest(test, { ...site, permits });
    if (compiled === false) never = true;
    if (typeof compiled === 'boolean') continue;
    tests.push(compiled);
    asked.push(test);
  }
  return never ? undefined : { tests, said: asked };
}
