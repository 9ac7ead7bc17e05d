// One service: as its callers see it, and as the workloads behind it do. Where the two differ, something is between them.
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { dashboard, graphs, tables } from '../dashboard.ts';
import {
  callers,
  course,
  headline,
  latencies,
  type Subject,
  signalTable,
  tcp,
  trafficBy,
} from '../golden.ts';
import { column } from '../links.ts';
import { graph } from '../panels.ts';
import { rate, requestsWhere } from '../promql.ts';
import { labelValues } from '../variables.ts';

const of = 'destination_service="$service"';
const asked: Subject = {
  matchers: `reporter="source", ${of}`,
  what: 'callers in the mesh send to this service',
};
const served: Subject = {
  matchers: `reporter="destination", ${of}`,
  what: 'the pods behind this service receive',
};
/** Clusters are called by host and port, and those of subsets by more. */
const cluster = 'cluster_name=~"(.*[|])?$service(:.*)?"';

/** The dashboard. */
export function service(): Dashboard {
  return dashboard({
    name: 'service',
    title: 'Service',
    description:
      'How well is this service, for its callers and at its pods? How traffic is split between versions; retries and ejections towards it.',
    variables: [
      labelValues(
        'service',
        '{__name__=~"istio_requests_total|istio_tcp_connections_opened_total", destination_service!~"unknown|overflow"}',
        'destination_service',
        'Services that were called, by their names in full',
      ),
    ],
    sections: [
      { title: 'As callers see it', rows: [headline(asked), course(asked)] },
      { title: 'As its pods see it', rows: [headline(served), behind(), tables(workloads())] },
      { title: 'Who calls this service', rows: [callers(asked)] },
      { title: 'Between them', rows: [between()] },
      { title: 'Routes', rows: [routes()] },
      { title: 'TCP', rows: [tcp(served.matchers, asked.matchers)] },
    ],
  });
}

function behind() {
  const version = 'destination_workload, destination_version';
  return graphs(
    graph({
      title: 'Split between versions',
      description: 'Share of the requests that each version gets: what weights of routes come to.',
      empty: 'no requests in this time',
      unit: 'percentunit',
      max: 1,
      stack: true,
      lines: [
        {
          expr: `${requestsWhere(served.matchers).requests(version)} / scalar (${requestsWhere(served.matchers).requests()} > 0)`,
          legend: '{{destination_workload}} {{destination_version}}',
        },
      ],
    }),
    trafficBy(served, 'pod', 'pod'),
    latencies(served),
  );
}

function workloads() {
  return signalTable(
    {
      title: 'Workloads behind it',
      description: 'The golden signals of what each workload receives for this service.',
      empty: 'no workload of the mesh has had a request for this service in this time',
    },
    served.matchers,
    [
      {
        label: 'destination_workload',
        title: 'Workload',
        link: {
          to: 'workload',
          set: {
            namespace: column('destination_workload_namespace'),
            workload: column('destination_workload'),
          },
        },
      },
      { label: 'destination_workload_namespace', title: 'Namespace' },
      { label: 'destination_version', title: 'Version' },
    ],
  );
}

function between() {
  const empty = 'no proxy calls this service';
  return graphs(
    graph({
      title: 'Retries',
      description: 'Tries beside the first ones, a second, and those that the budget refused.',
      empty,
      unit: 'reqps',
      lines: [
        { expr: rate('weft_retries_total', cluster), legend: 'retries' },
        { expr: rate('weft_retry_budget_exhausted_total', cluster), legend: 'refused by the budget' },
        { expr: rate('weft_overflows_total', cluster), legend: 'refused by a limit' },
      ],
    }),
    graph({
      title: 'Ejections',
      description: 'Endpoints taken out of rotation, a second, by reason.',
      empty,
      unit: 'ops',
      lines: [{ expr: rate('weft_ejections_total', cluster, 'reason'), legend: '{{reason}}' }],
    }),
    graph({
      title: 'Endpoints',
      description:
        'Endpoints that the caller with the fewest knows of, and those out of rotation at the caller with the most.',
      empty,
      unit: 'short',
      lines: [
        { expr: `min (weft_cluster_endpoints{${cluster}})`, legend: 'known', color: 'green' },
        { expr: `max (weft_cluster_ejected{${cluster}})`, legend: 'out of rotation', color: 'red' },
      ],
    }),
  );
}

function routes() {
  const dst = 'dst="$service"';
  const empty = 'no route of this service has a name; ServiceProfiles and named rules of routes give one';
  return graphs(
    graph({
      title: 'Requests by route',
      description: 'Requests a second by the name of the route that they took.',
      empty,
      unit: 'reqps',
      lines: [
        {
          expr: rate('weft_route_requests_total', dst, 'rt_route, classification'),
          legend: '{{rt_route}} {{classification}}',
        },
      ],
    }),
    graph({
      title: 'Tries by route',
      description: 'What was really sent, retries included, a second.',
      empty,
      unit: 'reqps',
      lines: [{ expr: rate('weft_route_tries_total', dst, 'rt_route'), legend: '{{rt_route}}' }],
    }),
    graph({
      title: 'p99 by route',
      description: 'All but one in a hundred of the requests of a route are answered within this time.',
      empty,
      unit: 'ms',
      lines: [
        {
          expr: `histogram_quantile(0.99, ${rate('weft_route_duration_milliseconds_bucket', dst, 'le, rt_route')}) >= 0`,
          legend: '{{rt_route}}',
        },
      ],
    }),
  );
}
