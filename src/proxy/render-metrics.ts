import type { RunningCluster } from '../cluster/index.ts';
import { ANOMALY_NAMES } from '../http2/index.ts';
import type { Peer } from '../model/index.ts';
import {
  type Exposition,
  type ExpositionFormat,
  expositionPieces,
  labelText,
  OVERFLOW,
  type Rendering,
  renderInternalErrors,
} from '../telemetry/index.ts';
import type { DataPlane } from './data-plane.ts';
import type { Counter } from './services/counters.ts';

function counter(out: Exposition, name: string, help: string, values: Counter): void {
  out.family(name, 'counter', help);
  for (const [labels, value] of values.entries()) out.sample(name, labels, value);
}

/** One metric of every cluster. */
interface ClusterMetric {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly value: (cluster: RunningCluster) => number;
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
    name: 'weft_warmed_connections_total',
    type: 'counter',
    help: 'Connections that were opened before a request needed one.',
    value: cluster => cluster.warmth.opened,
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
  {
    name: 'weft_cluster_kept_unready',
    type: 'gauge',
    help: 'Endpoints that are used though none of the Service is ready: all turned unready at once while connections to them work.',
    value: cluster => cluster.keptUnready,
  },
];

/** Clusters beyond this are shown as one: an app that calls ever new addresses makes ever new clusters. */
const maxClusters = 1000;

const overflowLabels = labelText({ cluster_name: OVERFLOW, overflow: 'true' });

/** The clusters to show by themselves, with their labels, and the rest of them. */
interface ShownClusters {
  readonly shown: readonly (readonly [labels: string, cluster: RunningCluster])[];
  readonly rest: readonly RunningCluster[];
}

function shownClusters(clusters: readonly RunningCluster[]): ShownClusters {
  const shown = clusters
    .slice(0, maxClusters)
    .map(cluster => [labelText({ cluster_name: cluster.config.name }), cluster] as const);
  return { shown, rest: clusters.slice(maxClusters) };
}

function sumOf(clusters: readonly RunningCluster[], value: (cluster: RunningCluster) => number): number {
  return clusters.reduce((sum, cluster) => sum + value(cluster), 0);
}

function* renderMirrors(out: Exposition, clusters: readonly RunningCluster[]): Rendering {
  const used = clusters.filter(({ mirrored }) => mirrored.sent > 0);
  if (used.length === 0) return;
  const name = 'weft_mirrored_requests_total';
  out.family(name, 'counter', 'Copies of requests that were sent here, by what became of them.');
  const { shown, rest } = shownClusters(used);
  for (const outcome of ['answered', 'failed'] as const) {
    const sample = (labels: string, value: number): void =>
      out.sample(name, `${labels},outcome="${outcome}"`, value);
    for (const [labels, { mirrored }] of shown) {
      sample(labels, mirrored[outcome]);
      if (out.full) yield;
    }
    if (rest.length > 0)
      sample(
        overflowLabels,
        sumOf(rest, ({ mirrored }) => mirrored[outcome]),
      );
  }
}

/** Everything a proxy measures, as pieces of Prometheus text: whole lines, made while they are taken. */
export function proxyMetricPieces(
  proxy: DataPlane,
  more: (out: Exposition) => void,
  format: ExpositionFormat = 'text',
): Generator<string, void, void> {
  return expositionPieces(out => renderProxyMetrics(out, proxy, more), undefined, format);
}

function* renderProxyMetrics(out: Exposition, proxy: DataPlane, more: (out: Exposition) => void): Rendering {
  const { requests, tcp, routes } = proxy.services;
  yield* requests.render(out);
  yield* tcp.render(out);
  yield* routes.render(out);
  yield* proxy.services.limits.render(out);
  yield* proxy.services.authorizations.render(out);
  yield* proxy.services.logs.render(out);
  yield* renderClusters(out, [...proxy.destinations.clusters, ...proxy.passThrough.clusters]);
  yield* renderMirrors(out, [...proxy.destinations.clusters]);
  renderCounters(out, proxy);
  renderWorkload(out, proxy);
  more(out);
}

/** Whose proxy this is, to join with what has no labels of its own, and how much it has on its hands now. */
export function renderWorkload(
  out: Exposition,
  proxy: Pick<DataPlane, 'destinations' | 'passThrough' | 'inboundPorts'> & { services: { self: Peer } },
): void {
  const { workload, app, version } = proxy.services.self;
  if (workload !== '') {
    out.family('weft_workload_info', 'gauge', 'Whose proxy this is; 1.');
    out.sample('weft_workload_info', labelText({ workload, app, version }), 1);
  }
  out.family('weft_requests_under_way', 'gauge', 'Requests of clients that are not answered yet.');
  const underWay = (cluster: RunningCluster): number => cluster.occupancy.requests;
  const outbound = [...proxy.destinations.clusters, ...proxy.passThrough.clusters];
  out.sample(
    'weft_requests_under_way',
    'direction="inbound"',
    sumOf([...proxy.inboundPorts.clusters], underWay),
  );
  out.sample('weft_requests_under_way', 'direction="outbound"', sumOf(outbound, underWay));
}

function renderCounters(out: Exposition, proxy: DataPlane): void {
  const { counters, peers, requests, tcp, routes } = proxy.services;
  out.family(
    'weft_metric_overflows_total',
    'counter',
    'How often there was no room for a series, which then counts under overflow="true", by what it counts.',
  );
  for (const [family, { overflows }] of Object.entries({ requests, calls: requests.calls, tcp, routes }))
    out.sample('weft_metric_overflows_total', labelText({ family }), overflows);
  counter(
    out,
    'weft_malformed_requests_total',
    'Requests refused because they were not valid HTTP.',
    counters.malformed,
  );
  counter(out, 'weft_inbound_refused_total', 'Inbound connections that were refused.', counters.refused);
  counter(
    out,
    'weft_outbound_refused_total',
    'Connections of the app that were refused for how they began.',
    counters.refusedOutbound,
  );
  counter(
    out,
    'weft_shared_limits_total',
    'Requests judged by limits that replicas share, by whose counts decided.',
    counters.sharedLimits,
  );
  renderTokens(out, proxy);
  counter(
    out,
    'weft_handshake_failures_total',
    'Mesh TLS handshakes that failed.',
    counters.handshakeFailures,
  );
  const mesh = proxy.services.tls.peers;
  out.family(
    'weft_mesh_handshakes_total',
    'counter',
    'Mesh TLS handshakes that this proxy began and that succeeded, by key exchange; X25519MLKEM768 is safe from quantum computers.',
  );
  for (const [group, count] of mesh.groups)
    out.sample('weft_mesh_handshakes_total', labelText({ direction: 'outbound', group }), count);
  out.family('weft_mesh_connections', 'gauge', 'Connections with mesh peers that are open, both directions.');
  out.sample('weft_mesh_connections', '', mesh.size);
  out.family(
    'weft_revoked_connections_total',
    'counter',
    'Open mesh connections that were broken off because the peer was revoked.',
  );
  out.sample('weft_revoked_connections_total', '', mesh.brokenOff);
  counter(
    out,
    'weft_connections_accepted_total',
    'Connections accepted, by what they carry.',
    counters.accepted,
  );
  for (const [name, help, values] of [
    ['weft_gateway_datagrams_total', 'Datagrams of clients of gateways, and to them.', counters.datagrams],
    ['weft_gateway_datagram_bytes_total', 'Bytes of these datagrams.', counters.datagramBytes],
    ['weft_gateway_datagrams_dropped_total', 'Datagrams that were not sent on.', counters.datagramsDropped],
    [
      'weft_gateway_datagram_sessions_total',
      'Clients that sent datagrams, opened and closed.',
      counters.datagramSessions,
    ],
  ] as const)
    if (values.size > 0) counter(out, name, help, values);
  renderAnomalies(out, proxy);
  out.family('weft_connections', 'gauge', 'Connections from clients that are open.');
  for (const [direction, open] of Object.entries(counters.openConnections))
    out.sample('weft_connections', `direction="${direction}"`, open);
  out.family(
    'weft_discovery_timeouts_total',
    'counter',
    'Connections passed through because discovery did not answer in time.',
  );
  out.sample('weft_discovery_timeouts_total', '', counters.discoveryTimeouts);
  out.family('weft_destinations', 'gauge', 'Destinations that the app has called and that are kept.');
  out.sample('weft_destinations', '', [...proxy.destinations.keys].length);
  out.family(
    'weft_peer_overflows_total',
    'counter',
    'Connections whose peer is overflow in labels, because its identity has named too many workloads.',
  );
  out.sample('weft_peer_overflows_total', '', peers.overflows);
  renderInternalErrors(out);
}

/** What was odd about HTTP/2 of clients and of upstreams; names that were not met are left out. */
function renderAnomalies(out: Exposition, proxy: DataPlane): void {
  const { app, proxy: peers } = proxy.services.http2;
  // All kinds of upstreams have one account of what was odd.
  const { plaintext: upstreams } = proxy.services.http2Upstream;
  const name = 'weft_http2_anomalies_total';
  out.family(name, 'counter', 'Frames of HTTP/2 that were odd or wrong, by what they were.');
  for (const [direction, counts] of [
    ['inbound', peers.counts.counts],
    ['outbound', app.counts.counts],
    ['upstream', upstreams.counts.counts],
  ] as const)
    for (const [index, anomaly] of ANOMALY_NAMES.entries())
      if (counts[index]! > 0) out.sample(name, labelText({ direction, anomaly }), counts[index]!);
}

/** What each cluster counts; those beyond a thousand are added up as one. */
export function* renderClusters(out: Exposition, clusters: readonly RunningCluster[]): Rendering {
  const { shown, rest } = shownClusters(clusters);
  for (const { name, type, help, value } of clusterMetrics) {
    out.family(name, type, help);
    for (const [labels, cluster] of shown) {
      out.sample(name, labels, value(cluster));
      if (out.full) yield;
    }
    if (rest.length > 0) out.sample(name, overflowLabels, sumOf(rest, value));
  }
  const name = 'weft_ejections_total';
  out.family(name, 'counter', 'Endpoints taken out of rotation, by reason.');
  for (const [labels, { ejections }] of shown) {
    for (const [reason, count] of Object.entries(ejections.counts))
      out.sample(name, `${labels},reason="${reason}"`, count);
    if (out.full) yield;
  }
  const ofRest = sumOf(rest, ({ ejections }) =>
    Object.values(ejections.counts).reduce((sum, count) => sum + count, 0),
  );
  if (ofRest > 0) out.sample(name, `${overflowLabels},reason="${OVERFLOW}"`, ofRest);
}

/** Nothing in a proxy that no token was shown to. */
function renderTokens(out: Exposition, { authentication: { counts } }: DataPlane): void {
  if (counts.accepted > 0 || counts.refusals.size > 0) {
    out.family('weft_tokens_total', 'counter', 'Requests by what became of their token (JWT).');
    out.sample('weft_tokens_total', labelText({ result: 'accepted' }), counts.accepted);
    for (const [result, count] of counts.refusals)
      out.sample('weft_tokens_total', labelText({ result }), count);
  }
  if (counts.fetches.size === 0) return;
  out.family('weft_jwks_fetches_total', 'counter', 'Attempts to fetch the keys of an issuer of tokens.');
  for (const [result, count] of counts.fetches)
    out.sample('weft_jwks_fetches_total', labelText({ result }), count);
}
