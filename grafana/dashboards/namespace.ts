// One namespace: its workloads side by side, and what crosses its border.
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { dashboard, graphs, stats, tables } from '../dashboard.ts';
import { failures, headline, latencies, type Subject, signalTable, tcp, trafficBy } from '../golden.ts';
import { column, label, variable } from '../links.ts';
import { graph, NONE, stat } from '../panels.ts';
import { proxyCpu, proxyMemory, requestsWhere } from '../promql.ts';
import { proxyHealth, proxyTable } from '../saturation.ts';
import { namespaceVariable } from '../variables.ts';

const received: Subject = {
  matchers: 'reporter="destination", destination_workload_namespace="$namespace"',
  what: 'this namespace receives',
};
const made: Subject = {
  matchers: 'reporter="source", source_workload_namespace="$namespace"',
  what: 'this namespace makes',
};
const own = 'namespace="$namespace"';
const toWorkload = {
  to: 'workload',
  set: { namespace: variable('namespace'), workload: column('destination_workload') },
} as const;
const toWorkloadOfLine = {
  to: 'workload',
  set: { namespace: variable('namespace'), workload: label('destination_workload') },
} as const;

/** The dashboard. */
export function namespace(): Dashboard {
  return dashboard({
    name: 'namespace',
    title: 'Namespace',
    description:
      'Which workload of this namespace needs a look? What comes in, what goes out, what its proxies cost.',
    variables: [namespaceVariable()],
    sections: [
      { title: 'Golden signals', rows: [headline(received), proxiesNow()] },
      { title: 'Workloads', rows: [tables(workloads()), byWorkload()] },
      { title: 'Failures and latency', rows: [graphs(failures(received), latencies(received))] },
      { title: 'Across the border', rows: [border()] },
      { title: 'TCP', rows: [tcp(received.matchers, made.matchers)] },
      { title: 'Proxies', rows: [tables(proxies())] },
    ],
  });
}

function proxiesNow() {
  return stats(
    stat({
      title: 'Pods in the mesh',
      description: 'Pods of this namespace whose proxy is scraped.',
      empty: 'none',
      unit: 'short',
      expr: `count (count by (pod) (weft_workload_info{${own}}))`,
    }),
    stat({
      title: 'Pods without a proxy',
      description: 'Running pods that should be in the mesh and are not; weft check names them.',
      empty: 'none',
      unit: 'short',
      steps: NONE,
      expr: 'max (sum by (pod) (weft_uninjected_pods{workload_namespace="$namespace"}))',
    }),
    stat({
      title: 'CPU of proxies',
      description: 'Cores that the proxies of this namespace use together.',
      empty: 'no proxy found',
      unit: 'short',
      decimals: 3,
      expr: `sum (${proxyCpu(own)} and on (namespace, pod) weft_workload_info)`,
    }),
    stat({
      title: 'Memory of proxies',
      description: 'Resident memory of the proxies of this namespace together.',
      empty: 'no proxy found',
      unit: 'bytes',
      expr: `sum (${proxyMemory(own)} and on (namespace, pod) weft_workload_info)`,
    }),
    ...proxyHealth(own),
  );
}

function workloads() {
  return signalTable(
    {
      title: 'Workloads',
      description: 'The golden signals of what each workload receives.',
      empty: 'no workload of this namespace has had a request in this time',
    },
    received.matchers,
    [{ label: 'destination_workload', title: 'Workload', link: toWorkload }],
  );
}

function byWorkload() {
  const of = requestsWhere(received.matchers);
  const words = { empty: 'no requests in this time', link: toWorkloadOfLine };
  const legend = '{{destination_workload}}';
  return graphs(
    trafficBy(received, 'destination_workload', 'workload', toWorkloadOfLine),
    graph({
      ...words,
      title: 'Errors by workload',
      description: 'Requests answered with 5xx, a second.',
      unit: 'reqps',
      lines: [{ expr: of.errors('destination_workload'), legend }],
    }),
    graph({
      ...words,
      title: 'p99 by workload',
      description: 'All but one in a hundred of the requests to a workload are answered within this time.',
      unit: 'ms',
      lines: [{ expr: of.latency(0.99, 'destination_workload'), legend }],
    }),
  );
}

function border() {
  return graphs(
    trafficBy(received, 'source_workload_namespace', "the caller's namespace", {
      to: 'namespace',
      set: { namespace: label('source_workload_namespace') },
    }),
    trafficBy(made, 'destination_service_namespace', "the service's namespace", {
      to: 'namespace',
      set: { namespace: label('destination_service_namespace') },
    }),
  );
}

function proxies() {
  return proxyTable(
    {
      title: 'Pods',
      description: 'What the proxy of each pod uses now.',
      empty: 'no pod of this namespace is in the mesh',
    },
    [
      {
        label: 'pod',
        title: 'Pod',
        link: { to: 'pod', set: { namespace: variable('namespace'), pod: column('pod') } },
      },
      {
        label: 'workload',
        title: 'Workload',
        link: { to: 'workload', set: { namespace: variable('namespace'), workload: column('workload') } },
      },
    ],
    own,
    own,
  );
}
