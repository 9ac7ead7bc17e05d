// Servers of Linkerd's that are for the same port of the same pods: one of them counts, by age.
import { equal, formatRef, matchesLabels, type PolicyServer, type Workload } from '../model/index.ts';
import type { AnalysisContext } from './context.ts';
import { type Finding, finding } from './finding.ts';

/** Findings about Servers that overlap; of two that say exactly the same, translation speaks. */
export function serverFindings({ mesh, workloads }: AnalysisContext): readonly Finding[] {
  return [...mesh.serverPolicies.values()].flatMap(all => {
    const servers = all.flatMap(each => (each.is === 'server' ? each : []));
    return servers.flatMap((server, index) => {
      for (const older of servers.slice(0, index)) {
        const shared = sharedOf(server, older, workloads);
        if (shared === undefined) continue;
        const reason = `it is for ${shared}, and so is ${formatRef(older.from)}, which counts there`;
        return [finding('servers-overlap', { object: server.from, reason })];
      }
      return [];
    });
  });
}

function sharedOf(one: PolicyServer, two: PolicyServer, workloads: readonly Workload[]): string | undefined {
  if (one.port === two.port && equal(one.selector, two.selector)) return undefined;
  for (const workload of workloads) {
    const { namespace, labels, owner } = workload;
    if (namespace !== one.namespace) continue;
    if (!matchesLabels(one.selector, labels) || !matchesLabels(two.selector, labels)) continue;
    const port = numbersOf(one, workload).find(each => numbersOf(two, workload).includes(each));
    if (port !== undefined) return `port ${port} of ${owner.kind} ${owner.name}`;
  }
  return undefined;
}

function numbersOf({ port }: PolicyServer, { ports }: Workload): readonly number[] {
  if (typeof port === 'number') return [port];
  return ports.flatMap(each => (each.name === port ? each.number : []));
}
