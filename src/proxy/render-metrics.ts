import type { Cluster } from '../cluster/index.ts';
import { Exposition, labelText } from '../telemetry/index.ts';
import type { Counter } from './counters.ts';
import type { DataPlane } from './data-plane.ts';

function counter(out: Exposition, name: string, help: string, values: Counter): void {
  out.family(name, 'counter', help);
  for (const [labels, value] of values.entries()) out.sample(name, labels, value);
}

/** One metric of every cluster. */
interface ClusterMetric {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly value: (cluster: Cluster) => number;
}

const clusterMetrics: readonly ClusterMetric[] = [
  {
    name: 'weft_requests_total',
    type: 'counter',
    help: 'First tries of requests.',
    value: cluster => cluster.budget.requests,
  },
  {
    name: 'weft_retries_total',
    type: 'counter',
    help: 'Tries beside the first ones.',
    value: cluster => cluster.retries,
  },
  {
    name: 'weft_retry_budget_exhausted_total',
    type: 'counter',
    help: 'Retries that the budget refused.',
    value: cluster => cluster.budget.exhausted,
  },
  {
    name: 'weft_overflows_total',
    type: 'counter',
    help: 'Requests and connections that a limit refused.',
    value: cluster => cluster.occupancy.overflows,
  },
  {
    name: 'weft_connect_failures_total',
    type: 'counter',
    help: 'Connections that could not be opened.',
    value: cluster => cluster.occupancy.connectFailures,
  },
  {
    name: 'weft_upstream_connections',
    type: 'gauge',
    help: 'Connections open or being opened.',
    value: cluster => cluster.occupancy.connections,
  },
  {
    name: 'weft_pending_requests',
    type: 'gauge',
    help: 'Requests that wait for a connection.',
    value: cluster => cluster.occupancy.waiting,
  },
  {
    name: 'weft_active_requests',
    type: 'gauge',
    help: 'Requests under way.',
    value: cluster => cluster.occupancy.requests,
  },
  {
    name: 'weft_cluster_endpoints',
    type: 'gauge',
    help: 'Endpoints that discovery names.',
    value: cluster => cluster.size,
  },
  {
    name: 'weft_cluster_ejected',
    type: 'gauge',
    help: 'Endpoints that are out of rotation because they failed.',
    value: cluster => cluster.size - cluster.healthy,
  },
];

function renderMirrors(out: Exposition, clusters: readonly Cluster[]): void {
  const used = clusters.filter(({ mirrored }) => mirrored.sent > 0);
  if (used.length === 0) return;
  out.family(
    'weft_mirrored_requests_total',
    'counter',
    'Copies of requests that were sent here, by what became of them.',
  );
  for (const { config, mirrored } of used) {
    const labels = labelText({ cluster: config.name });
    const { answered, failed } = mirrored;
    out.sample('weft_mirrored_requests_total', `${labels},outcome="answered"`, answered);
    out.sample('weft_mirrored_requests_total', `${labels},outcome="failed"`, failed);
  }
}

/** Everything a proxy measures, as Prometheus text. */
export function renderProxyMetrics(proxy: DataPlane, more: (out: Exposition) => void): string {
  const out = new Exposition();
  const { requests, tcp, routes, counters } = proxy.services;
  requests.render(out);
  tcp.render(out);
  routes.render(out);
  renderClusters(out, [...proxy.destinations.clusters, ...proxy.passThrough.clusters]);
  renderMirrors(out, [...proxy.destinations.clusters]);
  counter(
    out,
    'weft_malformed_requests_total',
    'Requests refused because they were not valid HTTP.',
    counters.malformed,
  );
  counter(out, 'weft_inbound_refused_total', 'Inbound connections that were refused.', counters.refused);
  counter(
    out,
    'weft_handshake_failures_total',
    'Mesh TLS handshakes that failed.',
    counters.handshakeFailures,
  );
  counter(
    out,
    'weft_connections_accepted_total',
    'Connections accepted, by what they carry.',
    counters.accepted,
  );
  out.family('weft_connections', 'gauge', 'Connections from clients that are open.');
  out.sample('weft_connections', 'direction="inbound"', counters.openInbound);
  out.sample('weft_connections', 'direction="outbound"', counters.openOutbound);
  out.family(
    'weft_discovery_timeouts_total',
    'counter',
    'Connections passed through because discovery did not answer in time.',
  );
  out.sample('weft_discovery_timeouts_total', '', counters.discoveryTimeouts);
  out.family('weft_destinations', 'gauge', 'Destinations that the app has called and that are kept.');
  out.sample('weft_destinations', '', [...proxy.destinations.keys].length);
  more(out);
  return out.text();
}

function renderClusters(out: Exposition, clusters: readonly Cluster[]): void {
  const labels = clusters.map(cluster => labelText({ cluster: cluster.config.name }));
  for (const { name, type, help, value } of clusterMetrics) {
    out.family(name, type, help);
    for (const [i, cluster] of clusters.entries()) out.sample(name, labels[i]!, value(cluster));
  }
  out.family('weft_ejections_total', 'counter', 'Endpoints taken out of rotation, by reason.');
  for (const [i, cluster] of clusters.entries()) {
    for (const [reason, count] of Object.entries(cluster.ejectionCounts)) {
      out.sample('weft_ejections_total', `${labels[i]},reason="${reason}"`, count);
    }
  }
}
