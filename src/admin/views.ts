// What the admin pages show: plain data made from what runs.
import type { Cluster } from '../cluster/index.ts';
import type { DataPlane, UnderWay } from '../proxy/index.ts';

/** `/clusters`: endpoint health, ejections, load. */
export function clusterView(cluster: Cluster): object {
  const { config, occupancy, budget } = cluster;
  return {
    name: config.name,
    service: config.service.host,
    balancer: config.settings.balancer.kind,
    endpoints: [...cluster.endpoints].map(endpoint => ({
      address: endpoint.key,
      pod: endpoint.config.peer.pod,
      workload: endpoint.config.peer.workload,
      version: endpoint.config.peer.version,
      tls: endpoint.config.tls,
      principal: endpoint.config.peer.principal,
      health: endpoint.health.health.state === 'healthy' ? 'healthy' : { ...endpoint.health.health },
      ejections: endpoint.health.multiplier,
      activeRequests: endpoint.active,
      latencyMs: Math.round(endpoint.latency.averageMs * 1000) / 1000,
      connections: endpoint.pool.figures,
    })),
    endpointsInAll: cluster.total,
    ...(cluster.why !== '' && { why: cluster.why }),
    connections: occupancy.connections,
    pendingRequests: occupancy.waiting,
    activeRequests: occupancy.requests,
    overflows: occupancy.overflows,
    connectFailures: occupancy.connectFailures,
    retries: cluster.retries,
    retriesRefusedByBudget: budget.exhausted,
    recentEjections: cluster.recentEjections,
    settings: config.settings,
  };
}

/** `/config_dump`: the resources in use, as discovery sent them. */
export function configView(plane: DataPlane): object {
  return {
    self: plane.services.self,
    inbound: plane.inboundPorts.resource ?? null,
    destinations: plane.destinations.running.map(destination => destination.resource),
  };
}

/** `/connections`; `underWay` on all cores. */
export function connectionView(plane: DataPlane, underWay: UnderWay): object {
  const { inbound, outbound, exchanges, tunnels } = underWay;
  return { inbound, outbound, activeExchanges: exchanges, tunnels, draining: plane.services.draining };
}
