// Hosts, targets and ports that do not exist.
import type { Mesh, ObjectRef } from '../model/index.ts';
import { answersInvalid } from '../resolve/index.ts';
import type { AnalysisContext } from './context.ts';
import { type Finding, finding } from './finding.ts';
import { isClusterHost, isKnownHost, namesakes, servicesOf } from './known-hosts.ts';
import { unlessMade } from './pod-makers.ts';
import { type Destined, destinedOf, shortHost, tablesOf, targetText } from './routed.ts';
import { endpointsOfTarget } from './target-endpoints.ts';

/** Findings about hosts. Nothing where the objects are policies alone. */
export function hostFindings(context: AnalysisContext): readonly Finding[] {
  const { mesh, knowsServices, knowsWorkloads } = context;
  if (!knowsServices) return [];
  return [
    ...unmatched(mesh),
    ...destinedOf(mesh).flatMap(each => [
      ...targetFindings(each, mesh),
      ...(knowsWorkloads ? podlessFindings(each, context) : []),
    ]),
  ];
}

function unmatched(mesh: Mesh): readonly Finding[] {
  const tables = tablesOf(mesh)
    // Hosts of the world that no Service has are answered by the rules themselves.
    .filter(({ host }) => host.startsWith('*') || isClusterHost(host, mesh))
    .map(({ host, from }) => ({ host, from, what: 'rules' }));
  const policies = [...mesh.trafficPolicies.values()]
    .flat()
    .map(({ host, from }) => ({ host, from, what: 'settings' }));
  const subsets = [...mesh.subsets.values()]
    .flat()
    .map(({ host, from }) => ({ host, from, what: 'settings' }));
  return [...tables, ...policies, ...subsets].flatMap(({ host, from, what }) => {
    if (host === '*' || isKnownHost(host, mesh)) return [];
    return [unknownHost(host, from, what, mesh)];
  });
}

function unknownHost(host: string, object: ObjectRef, what: string, mesh: Mesh): Finding {
  const others = namesakes(host, mesh);
  const short = shortHost(host, mesh);
  const reason = host.startsWith('*')
    ? `no Service has a host like ${host}: its ${what} hold for nothing`
    : `there is no Service ${short}: its ${what} hold for nothing`;
  const remedy =
    others.length > 0
      ? `did you mean ${others.join(' or ')}? write the host with its namespace, as name.namespace.svc.${mesh.clusterDomain}`
      : undefined;
  return finding('host-matches-nothing', { object, reason, ...(remedy !== undefined && { remedy }) });
}

function targetFindings({ object, path, target, mirror }: Destined, mesh: Mesh): readonly Finding[] {
  // What translation sends nowhere has a problem of its own.
  if (target.host.endsWith('.invalid')) return [];
  const services = servicesOf(target.host, mesh);
  const share = mirror ? 'copies of requests' : target.weight === 0 ? 'with weight 0, nothing' : 'requests';
  if (services.length === 0) {
    const others = namesakes(target.host, mesh);
    const outcome = mirror || target.weight === 0 ? '' : `: they are answered with ${absentStatus(object)}`;
    const reason = `${share} ${mirror || target.weight > 0 ? 'go' : 'goes'} to ${shortHost(target.host, mesh)}, which does not exist${outcome}`;
    return [
      finding('target-unknown', {
        object,
        path,
        reason,
        ...(others.length > 0 && { remedy: `did you mean ${others.join(' or ')}?` }),
        ...((mirror || target.weight === 0) && { severity: 'warning' as const }),
      }),
    ];
  }
  const { port } = target;
  if (port === undefined || services.some(each => each.externalName !== undefined)) return [];
  if (services.some(each => each.ports.some(({ number }) => number === port))) return [];
  const ports = services.flatMap(each => each.ports.map(({ number }) => number)).join(', ') || 'none';
  const reason = `requests go to ${targetText(target, mesh)}, and that Service has no port ${port} (it has ${ports}): they are answered with 503`;
  return [finding('target-port-unknown', { object, path, reason })];
}

/** What the share of a Service that is not there is answered: see answersInvalid in src/resolve/routes.ts. */
function absentStatus(rule: ObjectRef): number {
  return answersInvalid(rule) ? 500 : 503;
}

/** Of subsets, others speak. */
function podlessFindings(
  { object, path, target, mirror }: Destined,
  context: AnalysisContext,
): readonly Finding[] {
  const { mesh } = context;
  if (target.subset !== undefined || mirror || target.weight === 0) return [];
  const services = servicesOf(target.host, mesh);
  const isElsewhere = services.some(each => each.externalName !== undefined || each.external);
  if (services.length === 0 || isElsewhere || endpointsOfTarget(target, mesh).length > 0) return [];
  const reason = `requests go to ${targetText(target, mesh)}, which has no pods: they are answered with 503`;
  const namespaces = services.map(each => each.namespace);
  return [unlessMade(finding('target-without-pods', { object, path, reason }), namespaces, context)];
}
