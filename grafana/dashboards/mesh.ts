// The whole mesh: is it well, and where not.
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { dashboard, graphs, stats, tables } from '../dashboard.ts';
import { failures, headline, latencies, type Subject, signalTable, tcp, trafficBy } from '../golden.ts';
import { column, label } from '../links.ts';
import { graph, NONE, stat } from '../panels.ts';
import { rate, requestsWhere } from '../promql.ts';
import { proxyHealth } from '../saturation.ts';

const received: Subject = { matchers: 'reporter="destination"', what: 'workloads of the mesh receive' };
const toNamespace = {
  to: 'namespace',
  set: { namespace: label('destination_workload_namespace') },
} as const;

/** The dashboard. */
export function mesh(): Dashboard {
  return dashboard({
    name: 'mesh',
    title: 'Mesh',
    description: 'Is the mesh well, and where not? Every service and workload with its golden signals.',
    variables: [],
    sections: [
      { title: 'Golden signals', rows: [headline(received), proxiesNow(), course()] },
      { title: 'Services', rows: [tables(services())] },
      { title: 'Workloads', rows: [tables(workloads())] },
      { title: 'By namespace', rows: [byNamespace()] },
      { title: 'Retries, ejections, limits', rows: [resilience()] },
      { title: 'TCP', rows: [tcp(received.matchers)] },
    ],
  });
}

function proxiesNow() {
  return stats(
    stat({
      title: 'Pods in the mesh',
      description: 'Pods whose proxy is scraped.',
      empty: 'none is scraped',
      unit: 'short',
      expr: 'count (count by (namespace, pod) (weft_workload_info))',
    }),
    stat({
      title: 'Pods without a proxy',
      description: 'Running pods that should be in the mesh and are not; weft check names them.',
      empty: 'none',
      unit: 'short',
      steps: NONE,
      expr: 'max (sum by (pod) (weft_uninjected_pods))',
    }),
    stat({
      title: 'Endpoints out of rotation',
      description:
        'Endpoints that a caller leaves alone at the moment because they failed, counted at every caller.',
      empty: 'no proxy has called anybody yet',
      unit: 'short',
      steps: NONE,
      expr: 'sum (weft_cluster_ejected)',
    }),
    stat({
      title: 'Problems of configuration',
      description: 'Things wrong with objects that the control plane has read; weft analyze says what.',
      empty: 'no control plane is scraped',
      unit: 'short',
      steps: NONE,
      expr: 'max (sum by (pod) (weft_control_plane_problems))',
      link: { to: 'control-plane', set: {} },
    }),
    ...proxyHealth(''),
  );
}

function course() {
  return graphs(trafficBy(received, 'response_code', 'status'), failures(received), latencies(received));
}

function services() {
  return signalTable(
    {
      title: 'Services',
      description:
        'The golden signals of each service, as its callers see them: retries and everything on the way included.',
      empty: 'no workload of the mesh has called a service in this time',
    },
    'reporter="source"',
    [
      {
        label: 'destination_service',
        title: 'Service',
        link: { to: 'service', set: { service: column('destination_service') } },
      },
    ],
  );
}

function workloads() {
  return signalTable(
    {
      title: 'Workloads',
      description: 'The golden signals of what each workload receives, as its own proxies see them.',
      empty: 'no workload of the mesh has had a request in this time',
    },
    received.matchers,
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
      {
        label: 'destination_workload_namespace',
        title: 'Namespace',
        link: { to: 'namespace', set: { namespace: column('destination_workload_namespace') } },
      },
    ],
  );
}

function byNamespace() {
  const of = requestsWhere(received.matchers);
  const by = 'destination_workload_namespace';
  return graphs(
    trafficBy(received, by, 'namespace', toNamespace),
    graph({
      title: 'Errors by namespace',
      description: 'Requests answered with 5xx, a second.',
      empty: 'no requests in this time',
      unit: 'reqps',
      lines: [{ expr: of.errors(by), legend: `{{${by}}}` }],
      link: toNamespace,
    }),
    graph({
      title: 'Mutual TLS by namespace',
      description: 'Share of requests that came over mutual TLS.',
      empty: 'no requests in this time',
      unit: 'percentunit',
      max: 1,
      lines: [{ expr: of.mutual(by), legend: `{{${by}}}` }],
      link: toNamespace,
    }),
  );
}

function resilience() {
  const empty = 'no proxy has called anybody yet';
  const legend = '{{cluster_name}}';
  return graphs(
    graph({
      title: 'Retries by destination',
      description: 'The ten destinations with the most tries beside the first ones, a second.',
      empty,
      unit: 'reqps',
      lines: [{ expr: `topk (10, ${rate('weft_retries_total', '', 'cluster_name')})`, legend }],
    }),
    graph({
      title: 'Ejections by destination',
      description: 'The ten destinations with the most endpoints taken out of rotation, a second.',
      empty,
      unit: 'ops',
      lines: [{ expr: `topk (10, ${rate('weft_ejections_total', '', 'cluster_name')})`, legend }],
    }),
    graph({
      title: 'Limits reached by destination',
      description:
        'The ten destinations with the most requests and connections refused by a limit, a second.',
      empty,
      unit: 'reqps',
      lines: [{ expr: `topk (10, ${rate('weft_overflows_total', '', 'cluster_name')})`, legend }],
    }),
  );
}
