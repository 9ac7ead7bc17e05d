// From what was observed to policies: one for each workload that was called, and default deny where all of a namespace is known.
import type { ObjectMesh } from '../../../analyze/index.ts';
import type { KubeObject } from '../../../registry/index.ts';
import { workloadsOf } from '../workloads.ts';
import type { Observed, SeenCallee } from './observed.ts';
import { type Detail, many, rulesOf, type SuggestedRule } from './rules.ts';
import { selectorOf } from './selector.ts';

/** How much must have been seen, and how much is said. */
export interface SuggestOptions {
  /** Requests of a workload before a policy is proposed for it; a connection counts as ten. */
  readonly atLeast: number;
  readonly detail: Detail;
  /** Policies decide nothing yet. */
  readonly audit: boolean;
  /** What the app has not is allowed as well. */
  readonly all: boolean;
  /** Only workloads of this namespace. */
  readonly namespace?: string;
}

/** A policy, and what its reader should know. */
export interface SuggestedPolicy {
  readonly object: KubeObject;
  /** Above it. */
  readonly notes: readonly string[];
  /** As they stand in the object, with where each comes from. */
  readonly rules: readonly SuggestedRule[];
}

/** Everything that is proposed. */
export interface Proposal {
  readonly policies: readonly SuggestedPolicy[];
  /** What is proposed for nobody, and why. */
  readonly notes: readonly string[];
  /** Workloads (`namespace/name`) that too little was seen of. */
  readonly tooLittle: readonly string[];
}

/** Connections live long. */
const weightOfConnection = 10;

/** Proposes. */
export function propose(mesh: ObjectMesh, observed: Observed, options: SuggestOptions): Proposal {
  const policies: SuggestedPolicy[] = [];
  const notes: string[] = [];
  const tooLittle: string[] = [];
  const open = new Map<string, string[]>();
  const done = new Map<string, number>();
  for (const { name, workload } of workloadsOf(mesh, undefined, options.namespace)) {
    const seen = observed.callees.get(name);
    const leave = (why: string): void => {
      notes.push(`${name}: ${why}`);
      open.set(workload.namespace, [...(open.get(workload.namespace) ?? []), workload.owner.name]);
    };
    // Nobody calls it: default deny is all that it needs.
    if (seen === undefined || weightOf(seen) === 0) continue;
    if (weightOf(seen) < options.atLeast) {
      tooLittle.push(name);
      leave(
        `too little was seen of it (${many(seen.requests, 'request')}, ${many(seen.connections, 'connection')}; --at-least)`,
      );
      continue;
    }
    const policy = policyOf(mesh, workload.namespace, workload.owner.name, seen, options);
    if (typeof policy === 'string') leave(policy);
    else {
      policies.push(policy);
      done.set(workload.namespace, (done.get(workload.namespace) ?? 0) + 1);
    }
  }
  for (const namespace of done.keys()) {
    const without = open.get(namespace);
    if (without)
      notes.push(
        `namespace ${namespace}: no default deny, for it would close ${without.join(', ')}; watch longer`,
      );
    else policies.push(defaultDeny(namespace, options));
  }
  return { policies, notes, tooLittle };
}

/** What is known of who calls it: what only metrics tell counts as much. */
function weightOf({ requests, connections, callers, plaintextCounted }: SeenCallee): number {
  const counted = [...callers.values()].reduce((sum, each) => sum + each.counted, plaintextCounted);
  return Math.max(requests + connections * weightOfConnection, counted);
}

function policyOf(
  { mesh }: ObjectMesh,
  namespace: string,
  owner: string,
  seen: SeenCallee,
  options: SuggestOptions,
): SuggestedPolicy | string {
  const { rules, leftOut } = rulesOf(seen, options.detail, options.all);
  if (rules.length === 0) return `nothing that could be allowed was seen: ${leftOut.join('; ')}`;
  const selector = selectorOf(mesh, namespace, owner);
  if (selector === undefined) return 'its pods have no label that a policy could choose them by';
  const notes = [
    `${namespace}/${owner}: ${many(seen.requests, 'request')}, ${many(seen.connections, 'connection')}`,
    ...leftOut.map(each => `left out: ${each}`),
    ...(selector.others.length > 0
      ? [`these labels choose ${selector.others.join(', ')} as well: nothing tells their pods apart`]
      : []),
  ];
  const spec = {
    selector: { matchLabels: selector.labels },
    action: 'ALLOW',
    rules: rules.map(({ caller, operations }) => ({
      from: [{ source: { principals: [caller.replace(/^spiffe:\/\//, '')] } }],
      ...(operations.some(({ operation }) => Object.keys(operation).length > 0) && {
        to: operations.map(({ operation }) => ({ operation })),
      }),
    })),
  };
  return { object: objectOf(`suggested-${owner}`, namespace, spec, options), notes, rules };
}

function defaultDeny(namespace: string, options: SuggestOptions): SuggestedPolicy {
  const notes = [`whatever nothing above allows is refused in namespace ${namespace}`];
  return { object: objectOf('suggested-default-deny', namespace, {}, options), notes, rules: [] };
}

function objectOf(name: string, namespace: string, spec: object, { audit }: SuggestOptions): KubeObject {
  return {
    apiVersion: 'security.istio.io/v1',
    kind: 'AuthorizationPolicy',
    metadata: {
      ...{ name, namespace },
      ...(audit && { annotations: { 'istio.io/dry-run': 'true' } }),
    },
    spec,
  } as KubeObject;
}
