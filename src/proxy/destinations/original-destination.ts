import {
  type ClusterEndpoint,
  type DestinationResource,
  type EndpointsResource,
  isIpAddress,
  parseHostPort,
  type WeightedCluster,
} from '../../model/index.ts';

/** A destination of which some clusters go to where the app wanted to go. */
export interface Pinned {
  readonly resource: DestinationResource;
  /** Of those clusters: nobody else tells them. */
  readonly endpoints: readonly EndpointsResource[];
}

const nobody = { workload: '', namespace: '', app: '', version: '', principal: '', pod: '' };

/**
 * Gives clusters of services without addresses of their own (Istio's resolution NONE) the address that the app called, under a
 * name that says so: many addresses may stand for one such service. Where the address is not known, behind a name, they stay as
 * they are.
 */
export function pinOriginalDestination(resource: DestinationResource): Pinned {
  const called = parseHostPort(resource.key);
  const own = new Set(resource.clusters.flatMap(each => (each.originalDestination ? [each.name] : [])));
  if (own.size === 0 || called === undefined || !isIpAddress(called.host)) return { resource, endpoints: [] };
  const nameOf = (name: string): string => (own.has(name) ? `${name}@${resource.key}` : name);
  const copies = ({ mirrors }: Pick<WeightedCluster, 'mirrors'>): Pick<WeightedCluster, 'mirrors'> =>
    mirrors ? { mirrors: mirrors.map(each => ({ ...each, cluster: nameOf(each.cluster) })) } : {};
  const renamed = (clusters: readonly WeightedCluster[]): WeightedCluster[] =>
    clusters.map(each => ({ ...each, cluster: nameOf(each.cluster), ...copies(each) }));
  const endpoint: ClusterEndpoint = {
    address: called.host,
    port: called.port,
    tls: 'plaintext',
    peer: nobody,
  };
  return {
    resource: {
      ...resource,
      tcp: renamed(resource.tcp),
      ...(resource.tls && {
        tls: resource.tls.map(each => ({ ...each, clusters: renamed(each.clusters) })),
      }),
      routes: resource.routes.map(route => ({
        ...route,
        ...copies(route),
        action:
          route.action.kind === 'forward'
            ? { ...route.action, clusters: renamed(route.action.clusters) }
            : route.action,
      })),
      clusters: resource.clusters.map(each => ({ ...each, name: nameOf(each.name) })),
    },
    endpoints: [...own].map(name => ({
      kind: 'endpoints',
      key: nameOf(name),
      endpoints: [endpoint],
      total: 1,
    })),
  };
}
