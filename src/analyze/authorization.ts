// AuthorizationPolicies whose rules mean something else on ports whose bytes nobody reads, and that somebody without an identity
// passes.
import {
  type AuthorizationPolicy,
  type AuthorizationRule,
  formatRef,
  matchesLabels,
  REQUEST_ATTRIBUTES,
  type Workload,
} from '../model/index.ts';
import { resolveInbound } from '../resolve/index.ts';
import type { AnalysisContext } from './context.ts';
import { type Finding, finding } from './finding.ts';

const aboutRequests: ReadonlySet<string> = new Set(REQUEST_ATTRIBUTES);
const aboutIdentity: ReadonlySet<string> = new Set([
  'principal',
  'namespace',
  'service-account',
  'trust-domain',
]);

/** Findings about rules of authorization. */
export function authorizationFindings(context: AnalysisContext): readonly Finding[] {
  const policies = [...context.mesh.authorizationPolicies.values()].flat();
  return policies.flatMap(policy => [...onBytes(policy, context), ...withoutIdentity(policy)]);
}

/** Istio's semantics of TCP: ALLOW leaves such a rule out, DENY asks it without what only a request has. */
function onBytes(policy: AuthorizationPolicy, context: AnalysisContext): readonly Finding[] {
  if (policy.action === 'audit') return [];
  return policy.rules.flatMap((rule, index) => {
    const used = [...new Set(rule.clauses.flat(2).map(({ of }) => of))].filter(of => aboutRequests.has(of));
    const on = used.length === 0 ? undefined : bytePortOf(policy, rule, context);
    if (on === undefined) return [];
    const does =
      policy.action === 'allow'
        ? 'leaves this rule out there, so that it allows nobody'
        : 'asks this rule without that there, so that it refuses more';
    const reason = `the rule asks for what only requests have (${used.join(', ')}), and ${on} carries bytes that are not read: ${policy.action.toUpperCase()} ${does}`;
    return [finding('authorization-tcp', { object: policy.from, path: `spec.rules[${index}]`, reason })];
  });
}

/** A port of one of its workloads that is declared as bytes and that the rule is for, in words. */
function bytePortOf(
  policy: AuthorizationPolicy,
  rule: AuthorizationRule,
  { mesh, workloads }: AnalysisContext,
): string | undefined {
  const named = portsOf(rule);
  for (const workload of workloads) {
    if (!selects(policy, workload)) continue;
    const key = `${workload.namespace}/${workload.name}`;
    const ports = mesh.workloads.has(key) ? (resolveInbound(mesh, key).resource?.ports ?? []) : [];
    const port = ports.find(
      ({ number, protocol, service }) =>
        (protocol === 'tcp' || protocol === 'tls') &&
        (policy.services === undefined || policy.services.includes(service?.name ?? '')) &&
        (named === undefined || named.includes(String(number))),
    );
    if (port)
      return `port ${port.number} of ${workload.owner.kind} ${workload.owner.name}.${workload.namespace}`;
  }
  return undefined;
}

/** The ports that a rule is for; undefined for all. */
function portsOf({ clauses }: AuthorizationRule): readonly string[] | undefined {
  for (const clause of clauses) {
    const ports = clause.map(tests => tests.find(({ of, not }) => of === 'destination-port' && !not));
    if (ports.every(each => each !== undefined))
      return ports.flatMap(each => each!.values.map(({ value }) => value));
  }
  return undefined;
}

/** ALLOW with nothing but exclusions of identities lets in whoever has none. */
function withoutIdentity(policy: AuthorizationPolicy): readonly Finding[] {
  if (policy.action !== 'allow') return [];
  return policy.rules.flatMap((rule, index) => {
    const identities = rule.clauses.flat(2).filter(({ of }) => aboutIdentity.has(of));
    if (identities.length === 0 || identities.some(({ not }) => !not)) return [];
    const reason = `the rule excludes identities and asks for none, and a client in plaintext has none: ${formatRef(policy.from)} lets it in where plaintext is taken`;
    return [
      finding('authorization-plaintext', { object: policy.from, path: `spec.rules[${index}]`, reason }),
    ];
  });
}

function selects({ namespace, selector }: AuthorizationPolicy, workload: Workload): boolean {
  if (namespace !== undefined && namespace !== workload.namespace) return false;
  return selector === undefined || matchesLabels(selector, workload.labels);
}
