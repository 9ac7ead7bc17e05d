import {
  type AuthorizationPolicy,
  type AuthorizationRule,
  type AuthorizationTest,
  equal,
  type InboundResource,
  type JwtRule,
  matchesLabels,
  type RequestAuthenticationPolicy,
  type ValueMatch,
  type Workload,
  type WorkloadAuthorization,
} from '../model/index.ts';
import type { MeshReader } from './mesh-reader.ts';
import { withoutOrigin } from './refs.ts';

/** The ports of a workload that serve a Service of its namespace. */
export type PortsOf = (service: string) => readonly number[];

/**
 * Every policy that selects the workload, of the mesh as a whole first: all of them are asked, no scope comes before another
 * (Istio's AuthorizationPolicy reference); and with them what Servers say. Undefined where there is none.
 */
export function authorizationOf(
  reader: MeshReader,
  { namespace, labels }: Workload,
  portsOf: PortsOf,
  ofServers: readonly WorkloadAuthorization[] = [],
): readonly WorkloadAuthorization[] | undefined {
  const all = [
    ...reader.policies('authorizationPolicies', ''),
    ...reader.policies('authorizationPolicies', namespace),
  ].filter(({ selector }) => selector === undefined || matchesLabels(selector, labels));
  const counting = all.filter(policy => !isOutranked(policy, all));
  const found = [...counting.flatMap(policy => forWorkload(policy, portsOf)), ...ofServers];
  if (found.length === 0) return undefined;
  return inAllDomains(reader, found);
}

/** Whether an older object says all that there is to say of its scope. */
function isOutranked(policy: AuthorizationPolicy, all: readonly AuthorizationPolicy[]): boolean {
  if (!policy.onePerScope) return false;
  const { namespace, services, from } = policy;
  const first = all.find(
    each => each.onePerScope && each.namespace === namespace && equal(each.services, services),
  )!;
  return first.from.name !== from.name || first.from.namespace !== from.namespace;
}

/** What the policy says, whomever it is about. */
export function saidOf(policy: AuthorizationPolicy): WorkloadAuthorization {
  const { action, rules, dryRun, provider, denial, from } = policy;
  return {
    action,
    rules,
    ...(dryRun && { dryRun }),
    ...(provider !== undefined && { provider }),
    ...(denial && { denial }),
    from: withoutOrigin(from),
  };
}

/** Nothing where it is about gateways, or about Services that the workload does not serve. */
function forWorkload(policy: AuthorizationPolicy, portsOf: PortsOf): readonly WorkloadAuthorization[] {
  const said = saidOf(policy);
  const { services, gateways } = policy;
  if (services === undefined) return gateways === undefined ? [said] : [];
  const ports = [...new Set(services.flatMap(portsOf))].sort((left, right) => left - right);
  return ports.length === 0 ? [] : [{ ...said, ports }];
}

/** Those of the mesh's settings that the policies name. */
export function namedAuthorizers(
  reader: MeshReader,
  authorization: readonly WorkloadAuthorization[] = [],
): Pick<InboundResource, 'authorizers'> {
  const named = new Set(authorization.map(({ provider }) => provider));
  named.delete(undefined);
  if (named.size === 0) return {};
  const authorizers = reader.authorizers().filter(({ name }) => named.has(name));
  return authorizers.length === 0 ? {} : { authorizers };
}

/** Rules of all of them are joined, not chosen from. */
export function rulesOfTokens(
  reader: MeshReader,
  policies: readonly RequestAuthenticationPolicy[],
): readonly JwtRule[] {
  const own = policies.flatMap(({ rules, from }) =>
    rules.map(rule => ({ ...rule, from: withoutOrigin(from) })),
  );
  const named = [...new Set(policies.flatMap(({ providers = [] }) => providers))].sort();
  const provided = named.flatMap(name => reader.policies('jwtProviders', name)[0] ?? []);
  return [...own, ...provided.map(({ rule, from }) => ({ ...rule, from: withoutOrigin(from) }))];
}

/** See `ruleInAllDomains`. */
export function inAllDomains(
  reader: MeshReader,
  authorization: readonly WorkloadAuthorization[],
): readonly WorkloadAuthorization[] {
  const domains = reader.trustDomains();
  return authorization.map(each => ({
    ...each,
    rules: each.rules.map(rule => ruleInAllDomains(rule, domains)),
  }));
}

/**
 * Principals and trust domains of this mesh under every name that it has or had (Istio's trust domain migration): those that
 * name the local one, an alias or `cluster.local` stand for all of them, others and wildcards for themselves.
 */
function ruleInAllDomains(rule: AuthorizationRule, domains: readonly string[]): AuthorizationRule {
  const touched = rule.clauses.flat(2).some(({ of }) => of === 'principal' || of === 'trust-domain');
  if (!touched || domains.length < 2) return rule;
  const renamed = (test: AuthorizationTest): AuthorizationTest => ({
    ...test,
    values: test.values.flatMap(value => renamings(test.of, value, domains)),
  });
  return { ...rule, clauses: rule.clauses.map(clause => clause.map(tests => tests.map(renamed))) };
}

function renamings(
  of: AuthorizationTest['of'],
  match: ValueMatch,
  domains: readonly string[],
): readonly ValueMatch[] {
  if (of === 'trust-domain' && match.kind === 'exact' && domains.includes(match.value))
    return domains.map(value => ({ ...match, value }));
  if (of !== 'principal') return [match];
  const [, domain = '', rest] = /^spiffe:\/\/([^/]+)(\/[^/]+\/[^/]+\/[^/]+\/[^/]+)$/.exec(match.value) ?? [];
  if (rest === undefined || !domains.includes(domain)) return [match];
  return domains.map(each => ({ ...match, value: `spiffe://${each}${rest}` }));
}
