// One pod: the dashboard that one opens when a pod is suspected. Everything on it is what the pod's own proxy measures.
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { dashboard, graphs, stats } from '../dashboard.ts';
import { called, callers, course, failures, headline, type Subject, tcp, trafficBy } from '../golden.ts';
import { column, label, variable } from '../links.ts';
import { FULL, graph, stat } from '../panels.ts';
import { loopBusy, proxyCpu, rate, requestsWhere } from '../promql.ts';
import { proxyHealth } from '../saturation.ts';
import { labelValues, namespaceVariable } from '../variables.ts';

const own = 'namespace="$namespace", pod="$pod"';
const received: Subject = { matchers: `reporter="destination", ${own}`, what: 'this pod receives' };
const made: Subject = { matchers: `reporter="source", ${own}`, what: 'this pod makes' };

/** The dashboard. */
export function pod(): Dashboard {
  return dashboard({
    name: 'pod',
    title: 'Pod',
    description:
      'Is this pod well? What it receives and what it sends: latency, traffic, errors, saturation; who calls it and whom it calls.',
    variables: [
      namespaceVariable(),
      labelValues('pod', 'weft_workload_info{namespace="$namespace"}', 'pod', 'Pods in the mesh'),
    ],
    sections: [
      { title: 'Golden signals', rows: [headline(received), now(), course(received)] },
      { title: 'Who calls this pod', rows: [callers(received)] },
      { title: 'What it sends', rows: [sent(), called(made)] },
      { title: 'Retries, ejections, limits: towards others', rows: [retries(), ejections()] },
      { title: 'TCP', rows: [tcp(received.matchers, made.matchers)] },
      { title: 'Saturation', rows: [load(), cost()] },
      { title: 'Turned away', rows: [refused()] },
    ],
  });
}

function now(): ReturnType<typeof stats> {
  return stats(
    stat({
      title: 'Under way',
      description: 'Requests that this pod has received and not answered yet: the queue in front of the app.',
      empty: 'no proxy found',
      unit: 'short',
      expr: `sum (weft_requests_under_way{${own}, direction="inbound"})`,
    }),
    stat({
      title: 'CPU of the proxy',
      description: 'Cores that the proxy uses. The app is not in it.',
      empty: 'no proxy found',
      unit: 'short',
      decimals: 3,
      expr: `sum ${proxyCpu(own)}`,
    }),
    stat({
      title: 'Memory of the proxy',
      description:
        'Share of the limit that is nearest, of the container or of the heap. Near 100 % the proxy takes on less, and says so.',
      empty: 'no proxy found',
      unit: 'percentunit',
      steps: FULL,
      expr: `max (weft_memory_used_bytes{${own}} / weft_memory_limit_bytes{${own}})`,
    }),
    stat({
      title: 'Proxy busy',
      description:
        'Share of the time that the event loop of the proxy is at work: near 100 % requests wait for it.',
      empty: 'no proxy found',
      unit: 'percentunit',
      steps: FULL,
      expr: loopBusy(own),
    }),
    ...proxyHealth(own),
  );
}

function sent(): ReturnType<typeof graphs> {
  const of = requestsWhere(made.matchers);
  return graphs(
    trafficBy(made, 'destination_service', 'destination', {
      to: 'service',
      set: { service: label('destination_service') },
    }),
    failures(made),
    graph({
      title: 'p99 by destination',
      description:
        'All but one in a hundred of the requests that this pod makes are answered within this time.',
      empty: 'no requests in this time',
      unit: 'ms',
      lines: [{ expr: of.latency(0.99, 'destination_service'), legend: '{{destination_service}}' }],
    }),
  );
}

const calledNobody = 'this pod has called nobody yet';

/** Something that the proxy counts for each destination: a gauge where the unit is a number, a counter otherwise. */
function byCluster(title: string, description: string, metric: string, unit: string) {
  return graph({
    title,
    description,
    empty: calledNobody,
    unit,
    lines: [
      {
        expr:
          unit === 'short' ? `sum by (cluster_name) (${metric}{${own}})` : rate(metric, own, 'cluster_name'),
        legend: '{{cluster_name}}',
      },
    ],
  });
}

function retries(): ReturnType<typeof graphs> {
  return graphs(
    byCluster(
      'Retries',
      'Tries beside the first ones, a second, by destination.',
      'weft_retries_total',
      'reqps',
    ),
    byCluster(
      'Retries refused',
      'Retries that the budget did not allow, a second: the destination fails so much that retries would make it worse.',
      'weft_retry_budget_exhausted_total',
      'reqps',
    ),
    byCluster(
      'Limits reached',
      'Requests and connections that a limit of connections or requests refused, a second (UO).',
      'weft_overflows_total',
      'reqps',
    ),
  );
}

function ejections(): ReturnType<typeof graphs> {
  return graphs(
    byCluster(
      'Endpoints out of rotation',
      'Endpoints that this pod leaves alone at the moment because they failed.',
      'weft_cluster_ejected',
      'short',
    ),
    graph({
      title: 'Ejections',
      description: 'Endpoints that this pod has taken out of rotation, a second, by reason.',
      empty: calledNobody,
      unit: 'ops',
      lines: [{ expr: rate('weft_ejections_total', own, 'reason'), legend: '{{reason}}' }],
    }),
    byCluster(
      'Failed connections',
      'Connections to endpoints that could not be opened, a second.',
      'weft_connect_failures_total',
      'cps',
    ),
  );
}

const notScraped = 'no proxy of this pod has been scraped';

function load(): ReturnType<typeof graphs> {
  return graphs(
    graph({
      title: 'Requests under way',
      description: 'Requests that are not answered yet: received, and made by the app.',
      empty: notScraped,
      unit: 'short',
      lines: [{ expr: `sum by (direction) (weft_requests_under_way{${own}})`, legend: '{{direction}}' }],
    }),
    graph({
      title: 'Requests that wait for a connection',
      description: 'Requests of the app that wait because all connections to their destination are in use.',
      empty: notScraped,
      unit: 'short',
      lines: [{ expr: `sum (weft_pending_requests{${own}})`, legend: 'waiting' }],
    }),
    graph({
      title: 'Connections open',
      description: 'Connections from clients, inbound, and from the app, outbound.',
      empty: notScraped,
      unit: 'short',
      lines: [{ expr: `sum by (direction) (weft_connections{${own}})`, legend: '{{direction}}' }],
    }),
  );
}

function cost(): ReturnType<typeof graphs> {
  return graphs(
    graph({
      title: 'Memory of the proxy',
      description: 'What counts against the nearest limit, and that limit.',
      empty: notScraped,
      unit: 'bytes',
      lines: [
        { expr: `max (weft_memory_used_bytes{${own}})`, legend: 'used', color: 'blue' },
        { expr: `max (weft_memory_limit_bytes{${own}})`, legend: 'limit', color: 'red' },
      ],
    }),
    graph({
      title: 'CPU of the proxy',
      description: 'Cores that the proxy uses.',
      empty: notScraped,
      unit: 'short',
      lines: [{ expr: `sum ${proxyCpu(own)}`, legend: 'cores', color: 'blue' }],
    }),
    graph({
      title: 'Proxy busy',
      description: 'Share of the time that the event loop of the proxy is at work.',
      empty: notScraped,
      unit: 'percentunit',
      max: 1,
      steps: FULL,
      lines: [{ expr: loopBusy(own), legend: 'busy', color: 'blue' }],
    }),
  );
}

function refused(): ReturnType<typeof graphs> {
  return graphs(
    graph({
      title: 'Connections refused',
      description:
        'Connections that the proxy refused, a second, by reason: plaintext where mutual TLS is asked for, and more.',
      empty: 'no connection was refused',
      unit: 'cps',
      lines: [
        { expr: `${rate('weft_inbound_refused_total', own, 'reason')} > 0`, legend: 'inbound: {{reason}}' },
        { expr: `${rate('weft_outbound_refused_total', own, 'reason')} > 0`, legend: 'outbound: {{reason}}' },
      ],
    }),
    graph({
      title: 'Handshakes failed',
      description: 'Mesh TLS handshakes that failed, a second.',
      empty: 'no handshake failed',
      unit: 'cps',
      lines: [
        { expr: `${rate('weft_handshake_failures_total', own, 'direction')} > 0`, legend: '{{direction}}' },
      ],
    }),
    graph({
      title: 'Requests that are no HTTP',
      description:
        'Requests refused because they break the rules of HTTP, a second, by fault: smuggling begins like this.',
      empty: 'every request was valid HTTP',
      unit: 'reqps',
      lines: [
        {
          expr: `${rate('weft_malformed_requests_total', own, 'direction, fault')} > 0`,
          legend: '{{direction}}: {{fault}}',
        },
      ],
    }),
  );
}

/** What links to this dashboard set, from a table whose rows are pods. */
export const toPod = { to: 'pod', set: { namespace: variable('namespace'), pod: column('pod') } } as const;
