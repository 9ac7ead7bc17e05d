import {
  type AuthorizationPolicy,
  type AuthorizationRule,
  type AuthorizationTest,
  equal,
  matchesLabels,
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
  const domains = reader.trustDomains();
  return found.map(each => ({ ...each, rules: each.rules.map(rule => inAllDomains(rule, domains)) }));
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

/** Nothing where it is about Services that the workload does not serve. */
function forWorkload(policy: AuthorizationPolicy, portsOf: PortsOf): readonly WorkloadAuthorization[] {
  const { action, rules, dryRun, provider, denial, services, from } = policy;
  const said: WorkloadAuthorization = {
    action,
    rules,
    ...(dryRun && { dryRun }),
    ...(provider !== undefined && { provider }),
    ...(denial && { denial }),
    from: withoutOrigin(from),
  };
  if (services === undefined) return [said];
  const ports = [...new Set(services.flatMap(portsOf))].sort((left, right) => left - right);
  return ports.length === 0 ? [] : [{ ...said, ports }];
}

/**
 * Principals and trust domains of this mesh under every name that it has or had (Istio's trust domain migration): those that
 * name the local one, an alias or `cluster.local` stand for all of them, others and wildcards for themselves.
 */
function inAllDomains(rule: AuthorizationRule, domains: readonly string[]): AuthorizationRule {
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
