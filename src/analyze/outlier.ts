// Outlier detection that takes out more than it protects.
import { DEFAULT_TRAFFIC, type Mesh, type OutlierSettings, type TrafficPolicy } from '../model/index.ts';
import type { AnalysisContext } from './context.ts';
import { type Finding, finding } from './finding.ts';
import { servicesOf } from './known-hosts.ts';
import { shortHost } from './routed.ts';
import { endpointsOfTarget } from './target-endpoints.ts';

/** Findings about outlier detection; only about what somebody wrote. */
export function outlierFindings({ mesh, knowsWorkloads }: AnalysisContext): readonly Finding[] {
  return [...mesh.trafficPolicies.values()].flat().flatMap(policy => {
    const said = policy.outlier;
    if (!said || said.enabled === false) return [];
    return [
      ...sensitive(policy, said, mesh),
      ...unbounded(policy, said, mesh),
      ...(knowsWorkloads ? single(policy, mesh) : []),
    ];
  });
}

const counted = [
  ['consecutive5xx', '5xx answer'],
  ['consecutiveGatewayErrors', 'gateway error'],
  ['consecutiveConnectFailures', 'connect failure'],
] as const;

function sensitive(policy: TrafficPolicy, said: Partial<OutlierSettings>, mesh: Mesh): readonly Finding[] {
  const low = counted.flatMap(([field, words]) => {
    const limit = said[field];
    return limit === 1 ? [`a single ${words}`] : limit === 2 ? [`2 ${words}s in a row`] : [];
  });
  if (low.length === 0) return [];
  const percent = said.maxEjectionPercent ?? DEFAULT_TRAFFIC.outlier.maxEjectionPercent;
  const all = percent >= 100;
  const outcome = all
    ? 'and maxEjectionPercent is 100, so that a short disturbance leaves one pod for all of the traffic'
    : `so that a short disturbance takes out up to ${percent} % of them at once`;
  const reason = `${low.join(' or ')} eject a pod of ${shortHost(policy.host, mesh)}, ${outcome}`;
  return [
    finding('outlier-too-sensitive', {
      object: policy.from,
      reason,
      ...(all && { severity: 'error' as const }),
    }),
  ];
}

function unbounded(policy: TrafficPolicy, said: Partial<OutlierSettings>, mesh: Mesh): readonly Finding[] {
  const percent = said.maxEjectionPercent ?? DEFAULT_TRAFFIC.outlier.maxEjectionPercent;
  const host = shortHost(policy.host, mesh);
  const found: Finding[] = [];
  if (percent >= 100) {
    const reason = `maxEjectionPercent ${percent} lets errors of all pods of ${host} take all of them out but the last, which Weft never ejects`;
    found.push(finding('outlier-ejects-all', { object: policy.from, reason }));
  }
  if (said.panicThresholdPercent === 0 && percent > DEFAULT_TRAFFIC.outlier.maxEjectionPercent) {
    const reason = `minHealthPercent is 0 while ${percent} % of the pods of ${host} may be ejected: nothing stops ejections when few are left`;
    found.push(finding('outlier-no-minimum', { object: policy.from, reason }));
  }
  return found;
}

function single({ host, subset, from }: TrafficPolicy, mesh: Mesh): readonly Finding[] {
  const [service] = servicesOf(host, mesh);
  if (!service || service.externalName !== undefined || service.external) return [];
  const addresses = new Set(
    endpointsOfTarget({ host, ...(subset !== undefined && { subset }) }, mesh).map(each => each.address),
  );
  if (addresses.size !== 1) return [];
  const what = subset === undefined ? shortHost(host, mesh) : `subset ${subset} of ${shortHost(host, mesh)}`;
  const reason = `${what} has one pod, and the last one is never ejected: outlier detection has nothing to choose from`;
  return [finding('outlier-single-endpoint', { object: from, reason })];
}
