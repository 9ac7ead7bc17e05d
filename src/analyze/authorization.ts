// AuthorizationPolicies whose rules mean something else on ports whose bytes nobody reads, and that somebody without an identity
// passes.
import {
  type AuthorizationPolicy,
  type AuthorizationRule,
  formatRef,
  type InboundPort,
  type Mesh,
  matchesLabels,
  type Problem,
  problem,
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
export function authorizationFindings({ mesh, workloads }: AnalysisContext): readonly Finding[] {
  const ports = new BytePorts(mesh, workloads);
  const policies = [...mesh.authorizationPolicies.values()].flat();
  return policies.flatMap(policy => [
    ...onBytes(policy, ports).map(({ index, reason }) =>
      finding('authorization-tcp', { object: policy.from, path: `spec.rules[${index}]`, reason }),
    ),
    ...withoutIdentity(policy),
  ]);
}

/** Of them those that authors read in the status of their object, too: what rules mean on ports of bytes. */
export function authorizationProblems(mesh: Mesh): readonly Problem[] {
  const ports = new BytePorts(mesh, [...mesh.workloads.values()]);
  return [...mesh.authorizationPolicies.values()].flat().flatMap(policy =>
    onBytes(policy, ports).map(({ index, reason }) => {
      const path = `spec.rules[${index}]`;
      return problem('authorization-tcp', `${path}: ${reason}`, {
        object: policy.from,
        path,
        severity: 'warning',
      });
    }),
  );
}

/** Istio's semantics of TCP: ALLOW leaves such a rule out, DENY asks it without what only a request has. */
function onBytes(
  policy: AuthorizationPolicy,
  ports: BytePorts,
): readonly { readonly index: number; readonly reason: string }[] {
  if (policy.action === 'audit' || policy.from.kind !== 'AuthorizationPolicy') return [];
  return policy.rules.flatMap((rule, index) => {
    const used = [...new Set(rule.clauses.flat(2).map(({ of }) => of))].filter(of => aboutRequests.has(of));
    const on = used.length === 0 ? undefined : ports.of(policy, rule);
    if (on === undefined) return [];
    const does =
      policy.action === 'allow'
        ? 'leaves this rule out there, so that it allows nobody'
        : 'asks this rule without that there, so that it refuses more';
    const reason = `the rule asks for what only requests have (${used.join(', ')}), and ${on} carries bytes that are not read: ${policy.action.toUpperCase()} ${does}`;
    return [{ index, reason }];
  });
}

/** Ports that are declared as bytes, asked of one workload of each owner. */
class BytePorts {
  readonly #mesh: Mesh;
  readonly #workloads: readonly Workload[];
  readonly #known = new Map<string, readonly InboundPort[]>();

  constructor(mesh: Mesh, workloads: readonly Workload[]) {
    this.#mesh = mesh;
    const owners = new Map<string, Workload>();
    for (const each of workloads) {
      const { namespace, owner, labels } = each;
      const key = `${namespace} ${owner.kind} ${owner.name} ${JSON.stringify(labels)}`;
      if (!owners.has(key)) owners.set(key, each);
    }
    this.#workloads = [...owners.values()];
  }

  /** One that the policy and the rule are for, in words. */
  of(policy: AuthorizationPolicy, rule: AuthorizationRule): string | undefined {
    const named = portsOf(rule);
    for (const workload of this.#workloads) {
      if (policy.gateways !== undefined && policy.services === undefined) return undefined;
      if (!selects(policy, workload)) continue;
      const port = this.#portsOf(workload).find(
        ({ number, service }) =>
          (policy.services === undefined || policy.services.includes(service?.name ?? '')) &&
          (named === undefined || named.includes(String(number))),
      );
      if (port)
        return `port ${port.number} of ${workload.owner.kind} ${workload.owner.name}.${workload.namespace}`;
    }
    return undefined;
  }

  #portsOf({ namespace, name }: Workload): readonly InboundPort[] {
    const key = `${namespace}/${name}`;
    let ports = this.#known.get(key);
    if (ports === undefined) {
      const all = this.#mesh.workloads.has(key) ? resolveInbound(this.#mesh, key).resource?.ports : undefined;
      ports = (all ?? []).filter(({ protocol }) => protocol === 'tcp' || protocol === 'tls');
      this.#known.set(key, ports);
    }
    return ports;
  }
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
