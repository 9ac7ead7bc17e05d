// Policies and rules that are for nobody.
import {
  type CallerMatch,
  GATEWAY_NAME_LABEL,
  type GatewayTarget,
  type LabelSelector,
  type Mesh,
  matchesLabels,
  type ObjectRef,
  type Workload,
} from '../model/index.ts';
import type { AnalysisContext } from './context.ts';
import { type Finding, finding } from './finding.ts';
import { unlessMade } from './pod-makers.ts';
import { objectOf, tablesOf } from './routed.ts';

interface Selecting {
  readonly object: ObjectRef;
  /** '' or undefined for every namespace. */
  readonly namespace: string | undefined;
  readonly selector: LabelSelector | undefined;
}

/** Findings about selectors. */
export function selectorFindings(context: AnalysisContext): readonly Finding[] {
  const { mesh, workloads, knowsWorkloads } = context;
  if (!knowsWorkloads) return [];
  const nobody = selectingOf(mesh).flatMap(({ object, namespace, selector }) => {
    if (!selector || workloads.some(each => isSelected(each, namespace, selector))) return [];
    // A gateway that runs without a cluster has no pods, and stands for them.
    const gateway = selector.matchLabels?.[GATEWAY_NAME_LABEL] ?? selector.matchLabels?.istio;
    if (gateway !== undefined && [...mesh.gateways.values()].flat().some(({ name }) => name === gateway))
      return [];
    const where = namespace ? ` in namespace ${namespace}` : '';
    const reason = `its selector ${selectorText(selector)} matches no pod${where}: it has no effect`;
    return [
      unlessMade(
        finding('policy-selects-nothing', { object, reason }),
        [namespace || object.namespace],
        context,
      ),
    ];
  });
  return [...nobody, ...callers(mesh, workloads)];
}

/** Policies that name Gateways or classes that are not here. */
export function gatewayTargetFindings({ mesh }: AnalysisContext): readonly Finding[] {
  const gateways = [...mesh.gateways.values()].flat();
  const isHere = ({ kind, name }: GatewayTarget, { namespace }: ObjectRef): boolean =>
    gateways.some(each =>
      kind === 'Gateway' ? each.name === name && each.namespace === namespace : each.className === name,
    );
  return [...mesh.authorizationPolicies.values(), ...mesh.requestAuthentications.values()]
    .flat()
    .flatMap(({ gateways: targets = [], from }) =>
      targets
        .filter(each => !isHere(each, from))
        .map(({ kind, name }) => {
          const where =
            kind === 'Gateway'
              ? `no Gateway ${name} in namespace ${from.namespace}`
              : `no Gateway of class ${name}`;
          const reason = `it is about ${kind} ${name}, and there is ${where}: it has no effect there`;
          return finding('policy-selects-nothing', { object: from, path: 'spec.targetRefs', reason });
        }),
    );
}

function selectingOf(mesh: Mesh): readonly Selecting[] {
  const labels = (selector: LabelSelector['matchLabels'] | undefined): LabelSelector | undefined =>
    selector && { matchLabels: selector };
  return [
    ...[...mesh.peerPolicies.values()]
      .flat()
      .map(each => ({ object: each.from, namespace: each.namespace, selector: each.selector })),
    ...[...mesh.egressScopes.values()]
      .flat()
      .map(each => ({ object: each.from, namespace: each.namespace, selector: labels(each.selector) })),
    ...[...mesh.inboundRateLimits.values()]
      .flat()
      .map(each => ({ object: each.from, namespace: each.namespace, selector: labels(each.selector) })),
    ...[...mesh.authorizationPolicies.values(), ...mesh.requestAuthentications.values()]
      .flat()
      .map(each => ({ object: each.from, namespace: each.namespace, selector: each.selector })),
    ...[...mesh.serverPolicies.values()]
      .flat()
      .flatMap(each =>
        each.is === 'server' ? { object: each.from, namespace: each.namespace, selector: each.selector } : [],
      ),
    ...[...mesh.trafficPolicies.values()].flat().map(each => ({
      object: each.from,
      namespace: each.callerNamespace,
      selector: labels(each.callerSelector),
    })),
  ];
}

function callers(mesh: Mesh, workloads: readonly Workload[]): readonly Finding[] {
  return tablesOf(mesh).flatMap(table =>
    table.http.flatMap(rule => {
      const named = rule.matches.flatMap(({ caller }) =>
        caller?.labels || caller?.namespace !== undefined ? [caller] : [],
      );
      if (named.length === 0 || named.length < rule.matches.length) return [];
      if (named.some(each => workloads.some(workload => isCaller(each, workload)))) return [];
      const reason = `${rule.path} is only for callers ${named.map(callerText).join(' or ')}, and there is no such pod: it never matches`;
      return [finding('caller-selects-nothing', { object: objectOf(table, rule), path: rule.path, reason })];
    }),
  );
}

function isSelected(workload: Workload, namespace: string | undefined, selector: LabelSelector): boolean {
  if (namespace && workload.namespace !== namespace) return false;
  return matchesLabels(selector, workload.labels);
}

function isCaller({ namespace, labels }: CallerMatch, workload: Workload): boolean {
  if (namespace !== undefined && namespace !== workload.namespace) return false;
  return !labels || matchesLabels(labels, workload.labels);
}

function callerText({ namespace, labels }: CallerMatch): string {
  return [
    ...(labels ? [`with ${selectorText(labels)}`] : []),
    ...(namespace === undefined ? [] : [`of namespace ${namespace}`]),
  ].join(' ');
}

function selectorText({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string {
  const parts = Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`);
  return [...parts, ...matchExpressions.map(each => `${each.key} ${each.operator}`)].join(', ');
}
