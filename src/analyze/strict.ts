// Mutual TLS that is required, and those who cannot or do not speak it.
import {
  formatRef,
  matchesLabels,
  type PeerPolicy,
  type TrafficPolicy,
  type Workload,
} from '../model/index.ts';
import type { AnalysisContext, Outsider, StrictService } from './context.ts';
import { type Finding, finding } from './finding.ts';
import { shortHost } from './routed.ts';

/** Findings about STRICT. */
export function strictFindings(context: AnalysisContext): readonly Finding[] {
  return [
    ...context.outsiders().flatMap(outsider => outsiderFindings(outsider, context)),
    ...withoutProxy(context),
    ...disabledTowards(context),
  ];
}

/** The Services that are named are refused for sure; where none is, living among them is reason enough to say so. */
function outsiderFindings(outsider: Outsider, context: AnalysisContext): readonly Finding[] {
  const { ref, mentions, why } = outsider;
  const strict = context.strictServices();
  const called = strict.filter(({ service }) => mentions.has(`${service.namespace}/${service.name}`));
  if (called.length > 0) {
    return called.map(each => {
      const { service } = each;
      const reason = `it has no proxy${why ? ` (${why})` : ''} and calls ${service.name}.${service.namespace}, which takes mutual TLS only${by(each)}: its requests are refused`;
      return finding('strict-refuses-caller', { object: ref, reason });
    });
  }
  const near = strict.filter(({ service }) => service.namespace === ref.namespace);
  if (near.length === 0) return [];
  const reason = `it has no proxy${why ? ` (${why})` : ''} in namespace ${ref.namespace}, where ${namesOf(near)} ${near.length === 1 ? 'takes' : 'take'} mutual TLS only${by(near[0]!)}: whatever it calls of these refuses it`;
  return [finding('strict-excludes-workload', { object: ref, reason })];
}

function namesOf(services: readonly StrictService[]): string {
  const names = services.slice(0, 3).map(({ service }) => service.name);
  return services.length > 3 ? `${names.join(', ')} and ${services.length - 3} more` : names.join(', ');
}

function by({ policy }: StrictService): string {
  return policy ? ` (${formatRef(policy)})` : '';
}

function withoutProxy({ mesh, workloads, knowsWorkloads }: AnalysisContext): readonly Finding[] {
  if (!knowsWorkloads) return [];
  return [...mesh.peerPolicies.values()].flat().flatMap(policy => {
    if (policy.mode !== 'strict' && ![...policy.portModes.values()].includes('strict')) return [];
    const selected = workloads.filter(each => isOf(policy, each));
    if (selected.length === 0 || selected.some(each => each.meshed)) return [];
    const names = [...new Set(selected.map(each => each.owner.name))].slice(0, 3).join(', ');
    const reason = `none of the pods that it is for has a proxy (${names}), so that plaintext goes on as before`;
    return [finding('strict-without-proxy', { object: policy.from, reason })];
  });
}

function isOf({ namespace, selector }: PeerPolicy, workload: Workload): boolean {
  if (namespace !== undefined && namespace !== workload.namespace) return false;
  return !selector || matchesLabels(selector, workload.labels);
}

function disabledTowards(context: AnalysisContext): readonly Finding[] {
  const { mesh } = context;
  return [...mesh.trafficPolicies.values()].flat().flatMap(policy => {
    if (policy.mtls !== 'disable' && !policy.tls) return [];
    return context
      .strictServices()
      .filter(({ service }) => isFor(policy, service.host))
      .map(each => {
        const instead = policy.tls ? 'TLS of its own' : 'plaintext';
        const reason = `it has callers speak ${instead} to ${shortHost(each.service.host, mesh)}, which takes mutual TLS only${by(each)}: every request fails`;
        return finding('mtls-disabled-towards-strict', { object: policy.from, reason });
      });
  });
}

function isFor({ host }: TrafficPolicy, service: string): boolean {
  return host === '*' || host === service || (host.startsWith('*.') && service.endsWith(host.slice(1)));
}
