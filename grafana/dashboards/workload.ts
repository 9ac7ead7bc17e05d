// One workload: all pods of a Deployment, StatefulSet, DaemonSet or Job together, and which of them stands out.
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { dashboard, graphs, tables } from '../dashboard.ts';
import {
  called,
  callers,
  course,
  failures,
  headline,
  type Subject,
  signalTable,
  tcp,
  trafficBy,
} from '../golden.ts';
import { label, variable } from '../links.ts';
import { graph } from '../panels.ts';
import { ofWorkload, rate, requestsWhere } from '../promql.ts';
import { proxyTable } from '../saturation.ts';
import { labelValues, namespaceVariable } from '../variables.ts';
import { toPod } from './pod.ts';

const side = (reporter: 'source' | 'destination'): string =>
  `reporter="${reporter}", ${reporter}_workload_namespace="$namespace", ${reporter}_workload="$workload"`;
const received: Subject = { matchers: side('destination'), what: 'this workload receives' };
const made: Subject = { matchers: side('source'), what: 'this workload makes' };
const whose = 'namespace="$namespace", workload="$workload"';

/** The dashboard. */
export function workload(): Dashboard {
  return dashboard({
    name: 'workload',
    title: 'Workload',
    description: 'Is this workload well, and which of its pods is not? Who calls it, and whom it calls.',
    variables: [
      namespaceVariable(),
      labelValues(
        'workload',
        'weft_workload_info{namespace="$namespace"}',
        'workload',
        'Workloads in the mesh',
      ),
    ],
    sections: [
      { title: 'Golden signals', rows: [headline(received), course(received)] },
      { title: 'Pods', rows: [tables(pods(), proxies()), byPod()] },
      { title: 'Who calls this workload', rows: [callers(received)] },
      { title: 'What it sends', rows: [sent(), called(made)] },
      { title: 'TCP', rows: [tcp(received.matchers, made.matchers)] },
    ],
  });
}

const toPodOfLine = { to: 'pod', set: { namespace: variable('namespace'), pod: label('pod') } } as const;

function pods() {
  return signalTable(
    {
      title: 'Pods: what they receive',
      description: 'The golden signals of each pod: one that stands out is ill, or gets other requests.',
      empty: 'no requests to this workload in this time',
    },
    received.matchers,
    [{ label: 'pod', title: 'Pod', link: toPod }],
  );
}

function proxies() {
  return proxyTable(
    {
      title: 'Pods: their proxies',
      description: 'What the proxy of each pod uses now.',
      empty: 'no pod of this workload is in the mesh',
    },
    [{ label: 'pod', title: 'Pod', link: toPod }],
    'namespace="$namespace"',
    whose,
  );
}

function byPod() {
  const of = requestsWhere(received.matchers);
  return graphs(
    trafficBy(received, 'pod', 'pod', toPodOfLine),
    graph({
      title: 'p99 by pod',
      description: 'All but one in a hundred of the requests to a pod are answered within this time.',
      empty: 'no requests in this time',
      unit: 'ms',
      lines: [{ expr: of.latency(0.99, 'pod'), legend: '{{pod}}' }],
      link: toPodOfLine,
    }),
    graph({
      title: 'Success by pod',
      description: 'Share of requests not answered with 5xx.',
      empty: 'no requests in this time',
      unit: 'percentunit',
      max: 1,
      lines: [{ expr: of.success('pod'), legend: '{{pod}}' }],
      link: toPodOfLine,
    }),
  );
}

function sent() {
  return graphs(
    trafficBy(made, 'destination_service', 'destination', {
      to: 'service',
      set: { service: label('destination_service') },
    }),
    failures(made),
    graph({
      title: 'Retries and ejections',
      description:
        'Tries beside the first ones, and endpoints taken out of rotation by the pods of this workload, a second.',
      empty: 'no pod of this workload is in the mesh, or none has called anybody yet',
      unit: 'ops',
      lines: [
        {
          expr: `sum (${ofWorkload(rate('weft_retries_total', 'namespace="$namespace"', 'namespace, pod'), whose)})`,
          legend: 'retries',
        },
        {
          expr: `sum (${ofWorkload(rate('weft_retry_budget_exhausted_total', 'namespace="$namespace"', 'namespace, pod'), whose)})`,
          legend: 'retries refused by the budget',
        },
        {
          expr: `sum (${ofWorkload(rate('weft_ejections_total', 'namespace="$namespace"', 'namespace, pod'), whose)})`,
          legend: 'ejections',
        },
      ],
    }),
  );
}
