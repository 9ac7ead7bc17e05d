import { type Endpoint, type Mesh, matchesLabels, type RouteTarget, type Subset } from '../model/index.ts';
import { placedLabels, placeOf } from '../resolve/index.ts';
import { servicesOf } from './known-hosts.ts';

/** Definitions of the subset, for the host itself or for a wildcard; whoever may see them. */
export function subsetsNamed(host: string, name: string, { subsets }: Mesh): readonly Subset[] {
  return [...subsets]
    .filter(
      ([each]) => each === host || each === '*' || (each.startsWith('*.') && host.endsWith(each.slice(1))),
    )
    .flatMap(([, found]) => found.filter(each => each.name === name));
}

/** The endpoints that the target means, ready or not; each pod once for each port. */
export function endpointsOfTarget(
  target: Pick<RouteTarget, 'host' | 'subset' | 'port'>,
  mesh: Mesh,
): readonly Endpoint[] {
  const { host, subset, port } = target;
  const all = servicesOf(host, mesh).flatMap(service =>
    port !== undefined && service.endpoints.has(port)
      ? service.endpoints.get(port)!
      : [...service.endpoints.values()].flat(),
  );
  if (subset === undefined) return all;
  return subsetsNamed(host, subset, mesh).flatMap(each => all.filter(endpoint => isIn(each, endpoint, mesh)));
}

/** Whether the subset selects the endpoint. */
export function isIn(subset: Subset, endpoint: Endpoint, mesh: Mesh): boolean {
  const { workloads, workloadByAddress, nodes } = mesh;
  const key = endpoint.workload ?? workloadByAddress.get(endpoint.address);
  const workload = key === undefined ? undefined : workloads.get(key);
  const node = workload?.node === undefined ? undefined : nodes.get(workload.node);
  const own = endpoint.labels ?? workload?.labels ?? {};
  const { zone = workload?.zone, locality = workload?.locality } = endpoint;
  const place = placeOf(
    { ...(zone !== undefined && { zone }), ...(locality !== undefined && { locality }) },
    node,
  );
  const labels = placedLabels(own, place, workload?.node);
  const { labels: matchLabels, expressions: matchExpressions = [] } = subset;
  return matchesLabels({ matchLabels, matchExpressions }, labels);
}
