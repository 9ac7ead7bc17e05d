import type { AuthorizationRule, AuthorizationTest, AuthorizationTests } from '../../model/index.ts';
import type { IntentionSource } from './intention-source.ts';

/** What sources come to. `allow` undefined: nobody is refused for not being among them. */
export interface IntentionRules {
  readonly deny: readonly AuthorizationRule[];
  readonly allow: readonly AuthorizationRule[] | undefined;
}

type Clauses = AuthorizationRule['clauses'];

/** Callers in plaintext are no services. */
const someService: AuthorizationTest = { of: 'principal', values: [{ kind: 'present', value: '' }] };

/**
 * Rules for sources in order, of which the first that fits decides: each holds for who is none of those before it. `forAll`: the
 * destination is `*`, below whose denial of everybody a more precise destination may still allow, so that it is no rule but the
 * absence of one. `tokens`: who is allowed must bring one for which one of these holds.
 */
export function rulesOf(
  sources: readonly IntentionSource[],
  forAll: boolean,
  tokens?: readonly AuthorizationTests[],
): IntentionRules {
  const needed = tokens === undefined ? [] : [tokens];
  const deny: AuthorizationRule[] = [];
  const allow: AuthorizationRule[] = [];
  let closes = false;
  sources.forEach((source, index) => {
    const { key, who, action, permissions } = source;
    const others = exclusions(source, sources.slice(0, index));
    const callers = clauseOf([...who, ...others]);
    const services = clauseOf([...(who.length === 0 ? [someService] : who), ...others]);
    if (permissions !== undefined) {
      closes = true;
      const found = byPermission(key, permissions);
      allow.push(
        ...found.allow.map(each => ({ ...each, clauses: [...services, ...needed, ...each.clauses] })),
      );
      deny.push(...found.deny.map(each => ({ ...each, clauses: [...callers, ...each.clauses] })));
    } else if (action === 'allow') {
      closes = true;
      allow.push({ name: key, clauses: [...services, ...needed] });
    } else if (forAll && who.length === 0) closes = true;
    else deny.push({ name: key, clauses: callers });
  });
  return { deny, allow: closes ? allow : undefined };
}

/** The first permission whose tests hold decides; where none does the caller is refused. */
function byPermission(
  key: string,
  permissions: NonNullable<IntentionSource['permissions']>,
): { readonly allow: readonly AuthorizationRule[]; readonly deny: readonly AuthorizationRule[] } {
  const rules = { allow: [] as AuthorizationRule[], deny: [] as AuthorizationRule[] };
  const before: AuthorizationTests[][] = [];
  for (const [index, { action, alternatives }] of permissions.entries()) {
    const isAny = alternatives.some(tests => tests.length === 0);
    rules[action].push({ name: `${key}[${index}]`, clauses: [...(isAny ? [] : [alternatives]), ...before] });
    // Whatever comes is decided here.
    if (isAny) return rules;
    for (const tests of alternatives) before.push(tests.map(each => [negated(each)]));
  }
  rules.deny.push({ name: `${key}[none]`, clauses: before });
  return rules;
}

/** That the caller is none of the more precise sources; those that cannot be meant at the same time are left out. */
function exclusions(source: IntentionSource, before: readonly IntentionSource[]): AuthorizationTests {
  if (source.rank === 2) return [];
  const inside =
    source.rank === 0 ? before : before.filter(each => each.key.startsWith(source.key.slice(0, -1)));
  return inside.flatMap(each => each.who.map(negated));
}

function negated({ not, ...test }: AuthorizationTest): AuthorizationTest {
  return not ? test : { ...test, not: true };
}

function clauseOf(tests: AuthorizationTests): Clauses {
  return tests.length === 0 ? [] : [[tests]];
}
