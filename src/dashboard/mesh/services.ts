import { type Endpoint, type Mesh, matchesLabels, type RouteTable, type Service } from '../../model/index.ts';
import type { PageRoute, PageService, PageTarget } from '../contract.ts';
import { objectOf } from './objects.ts';
import type { KnownFinding } from './view.ts';
import { matchWords, settingWords } from './words.ts';
import { workloadKey } from './workloads.ts';

/** Every Service, in order of name, with the rules about it and what was found. */
export function servicesOf(mesh: Mesh, findings: readonly KnownFinding[] = []): readonly PageService[] {
  const wrong = Map.groupBy(
    findings.filter(({ object }) => object.kind === 'Service' && object.apiVersion === 'v1'),
    ({ object }) => `${object.namespace}/${object.name}`,
  );
  return [...mesh.services]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, service]) => {
      const endpoints = endpointsOf(service);
      return {
        key,
        namespace: service.namespace,
        name: service.name,
        host: service.host,
        external: service.external !== undefined || service.externalName !== undefined,
        ports: service.ports.map(({ number, name, protocol }) => ({ number, name, protocol })),
        endpoints: { ready: endpoints.filter(each => each.ready).length, all: endpoints.length },
        workloads: [...keysBehind(mesh, endpoints)].sort(),
        routes: (mesh.routeTables.get(service.host) ?? []).flatMap(table => routesOf(mesh, table)),
        problems: (wrong.get(key) ?? []).map(({ object: _, ...rest }) => rest),
      };
    });
}

/** Keys of Services by the workload that stands behind them. */
export function servicesBehind(services: readonly PageService[]): ReadonlyMap<string, ReadonlySet<string>> {
  const behind = new Map<string, Set<string>>();
  for (const { key, workloads } of services) {
    for (const workload of workloads)
      behind.set(workload, (behind.get(workload) ?? new Set<string>()).add(key));
  }
  return behind;
}

/** Each pod once, however many ports it has. */
function endpointsOf({ endpoints }: Service): readonly Endpoint[] {
  const byAddress = new Map<string, Endpoint>();
  for (const each of [...endpoints.values()].flat()) byAddress.set(each.workload ?? each.address, each);
  return [...byAddress.values()];
}

function keysBehind(mesh: Mesh, endpoints: readonly Endpoint[]): ReadonlySet<string> {
  const keys = new Set<string>();
  for (const { workload: pod } of endpoints) {
    const workload = pod === undefined ? undefined : mesh.workloads.get(pod);
    if (workload) keys.add(workloadKey(workload));
  }
  return keys;
}

function routesOf(mesh: Mesh, table: RouteTable): readonly PageRoute[] {
  return table.http.map(rule => {
    const { action } = rule;
    const targets = action.kind === 'forward' ? action.targets : [];
    const sum = targets.reduce((total, each) => total + each.weight, 0);
    const answer =
      action.kind === 'respond'
        ? `answers ${action.status}`
        : action.kind === 'redirect'
          ? `redirects with ${action.status}`
          : targets.length === 0
            ? 'answers 503: it names no target'
            : undefined;
    return {
      name: rule.name,
      from: objectOf(rule.from ?? table.from),
      path: rule.path,
      matches: rule.matches.map(matchWords).filter(each => each !== ''),
      ...(answer !== undefined && { answer }),
      targets: targets.map(({ host, subset, weight }) => ({
        host,
        ...(subset !== undefined && { subset }),
        share: sum > 0 ? weight / sum : 0,
        workloads: leadsTo(mesh, host, subset),
      })),
      settings: settingWords(rule),
    };
  });
}

/** Whom a target leads to. Of a subset by version where its pods are all of one, which is what is counted by. */
function leadsTo(mesh: Mesh, host: string, subset: string | undefined): PageTarget['workloads'] {
  const key = mesh.serviceByHost.get(host);
  const service = key === undefined ? undefined : mesh.services.get(key);
  if (service === undefined) return [];
  const endpoints = endpointsOf(service);
  if (subset === undefined) return [...keysBehind(mesh, endpoints)].map(each => ({ key: each }));
  const meant = mesh.subsets.get(host)?.find(each => each.name === subset);
  if (meant === undefined) return [];
  const found = new Map<string, { key: string; version: string }>();
  for (const { workload: pod } of endpoints) {
    const workload = pod === undefined ? undefined : mesh.workloads.get(pod);
    if (!workload) continue;
    const selector = {
      matchLabels: meant.labels,
      ...(meant.expressions && { matchExpressions: meant.expressions }),
    };
    if (!matchesLabels(selector, workload.labels)) continue;
    const target = { key: workloadKey(workload), version: workload.version };
    found.set(`${target.key}@${target.version}`, target);
  }
  return [...found.values()];
}
