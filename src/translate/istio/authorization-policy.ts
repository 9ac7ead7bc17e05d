import type { AuthorizationAction, AuthorizationPolicy, ObjectRef } from '../../model/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import { type Fields, fieldsOf } from '../fields.ts';
import { given } from '../given.ts';
import type { Part } from '../part.ts';
import { Report } from '../report.ts';
import { readDenial } from './authorization-denial.ts';
import { readRule } from './authorization-rule.ts';
import { type PolicyTarget, readTarget } from './policy-target.ts';

/** security.istio.io AuthorizationPolicy, v1beta1 and v1. */
export const authorizationPolicyTranslator: KindTranslator = {
  kind: 'AuthorizationPolicy.security.istio.io',
  translate: translateAuthorizationPolicy,
  closed: closedPolicy,
};

const actions: Readonly<Record<string, AuthorizationAction>> = {
  ALLOW: 'allow',
  DENY: 'deny',
  AUDIT: 'audit',
  CUSTOM: 'custom',
};

/** Istio takes no more of them. */
const maxRules = 512;
const dryRunAnnotation = 'istio.io/dry-run';

/** What an external authorizer's policy cannot ask for: it is asked before tokens and peers are known (Istio's reference). */
const notInCustom = new Set(['namespace', 'service-account', 'trust-domain', 'principal']);
const tokens = new Set(['request-principal', 'audience', 'presenter', 'claim']);

function translateAuthorizationPolicy(
  object: KubeObject,
  context: TranslateContext,
  report: Report,
): readonly Part[] {
  const { namespace = '', creationTimestamp: createdAt = '' } = object.metadata;
  const spec = fieldsOf(object, 'spec', report);
  const { nowhere, ...target } = readTarget(spec, isRoot(namespace, context), report);
  const action = actions[spec.choice('action', Object.keys(actions)) ?? 'ALLOW']!;
  const provider = spec.object('provider');
  const providerName = provider?.text('name');
  provider?.refuseRest();
  const reading = { namespace, context, report };
  const rules = spec.objects('rules').map((rule, index) => readRule(rule, String(index), reading));
  spec.refuseRest();
  const policy: AuthorizationPolicy = {
    ...scopeOf(namespace, context),
    ...target,
    ...given({ provider: providerName }),
    action,
    rules,
    ...(dryRunOf(object, action, report) && { dryRun: true }),
    ...given({ denial: readDenial(object, report) }),
    from: report.object,
  };
  check(policy, spec, report);
  if (nowhere) return [];
  return [{ kind: 'policy', of: 'authorizationPolicies', policy, createdAt }];
}

/**
 * In place of an object that cannot be read and of which nothing held before: nobody may do what it was to say something of.
 * ALLOW allows nothing, DENY and CUSTOM deny all; what decides nothing anyway stays away.
 */
function closedPolicy(object: KubeObject, context: TranslateContext, from: ObjectRef): readonly Part[] {
  const unheard = new Report(from);
  const { namespace = '', creationTimestamp: createdAt = '' } = object.metadata;
  const spec = fieldsOf(object, 'spec', unheard);
  const read = readTarget(spec, isRoot(namespace, context), unheard);
  // Where it cannot be told whom it selects, it is everybody.
  const { nowhere, ...target }: PolicyTarget = unheard.refused ? {} : read;
  const action = actions[spec.text('action') ?? 'ALLOW'] ?? 'deny';
  const isDryRun = object.metadata.annotations?.[dryRunAnnotation] === 'true';
  if (nowhere || action === 'audit' || (isDryRun && action !== 'custom')) return [];
  const policy: AuthorizationPolicy = {
    ...scopeOf(namespace, context),
    ...target,
    action: action === 'allow' ? 'allow' : 'deny',
    rules: action === 'allow' ? [] : [{ name: 'unreadable', clauses: [] }],
    from,
  };
  return [{ kind: 'policy', of: 'authorizationPolicies', policy, createdAt }];
}

function isRoot(namespace: string, { rootNamespaces }: TranslateContext): boolean {
  return rootNamespaces.includes(namespace);
}

function scopeOf(namespace: string, context: TranslateContext): { readonly namespace?: string } {
  return isRoot(namespace, context) ? {} : { namespace };
}

function dryRunOf(object: KubeObject, action: AuthorizationAction, report: Report): boolean {
  const value = object.metadata.annotations?.[dryRunAnnotation];
  const path = `metadata.annotations['${dryRunAnnotation}']`;
  if (value === undefined || value === 'false') return false;
  if (value !== 'true') {
    report.error('field-invalid', path, `${path}: '${value}' is neither true nor false`);
    return false;
  }
  if (action === 'allow' || action === 'deny') return true;
  report.error('field-invalid', path, `${path}: only ALLOW and DENY can be tried without effect`);
  return false;
}

function check({ action, rules, provider }: AuthorizationPolicy, spec: Fields, report: Report): void {
  const at = spec.at('rules');
  if (rules.length > maxRules)
    report.error('field-invalid', at, `${at} has more than ${maxRules} rules; write two policies`);
  if (rules.length === 0 && action !== 'allow' && !report.refused) {
    const remedy = 'say what it matches; for everything write rules: [{}]';
    report.error(
      'field-invalid',
      at,
      `${at} is empty, so that ${action.toUpperCase()} matches nothing; ${remedy}`,
    );
  }
  if (action === 'custom' && provider === undefined)
    report.error(
      'field-invalid',
      spec.at('provider'),
      `${spec.at('provider')}.name is missing: CUSTOM needs the name of one of the mesh's extensionProviders`,
    );
  if (action !== 'custom' && provider !== undefined)
    report.error(
      'field-invalid',
      spec.at('provider'),
      `${spec.at('provider')} is for action CUSTOM only; take it out, or change the action`,
    );
  if (action !== 'custom') return;
  rules.forEach(({ clauses }, index) => {
    const used = clauses.flat(2).find(({ of }) => notInCustom.has(of) || tokens.has(of));
    if (used !== undefined)
      report.error(
        'field-invalid',
        `${at}[${index}]`,
        `${at}[${index}]: CUSTOM policies cannot ask for who calls (${used.of}): the authorizer is asked before that is known`,
      );
  });
}
