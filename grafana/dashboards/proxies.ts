// The proxies themselves: what they cost, and whether any of them is short of something.
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { dashboard, graphs, stats, tables } from '../dashboard.ts';
import { column, label } from '../links.ts';
import { FULL, graph, NONE, stat } from '../panels.ts';
import { loopBusy, proxyCpu, proxyMemory, rate } from '../promql.ts';
import { proxyHealth, proxyTable } from '../saturation.ts';
import { labelValues, namespaceVariable } from '../variables.ts';

const own = 'namespace=~"$namespace", pod=~"$pod"';
const empty = 'no proxy is scraped';
const toPodOfLine = { to: 'pod', set: { namespace: label('namespace'), pod: label('pod') } } as const;
const byPod = 'namespace, pod';
const legend = '{{pod}}';
/** So many lines are read; the busiest are meant. */
const most = (expr: string): string => `topk (20, ${expr})`;

/** The dashboard. */
export function proxies(): Dashboard {
  return dashboard({
    name: 'proxies',
    title: 'Proxies',
    description:
      'What do proxies cost, and is any of them short of memory, of time, or of the control plane?',
    variables: [
      namespaceVariable().multi(true).includeAll(true).allValue('.*'),
      labelValues('pod', 'weft_workload_info{namespace=~"$namespace"}', 'pod', 'Pods in the mesh')
        .multi(true)
        .includeAll(true)
        .allValue('.*'),
    ],
    sections: [
      { title: 'All of them', rows: [sums()] },
      { title: 'Each of them', rows: [tables(all())] },
      { title: 'Cost', rows: [cost()] },
      { title: 'Connections', rows: [connections()] },
      { title: 'Configuration and certificates', rows: [configuration(), age()] },
      { title: 'Memory', rows: [memory()] },
      { title: 'Turned away', rows: [refused()] },
    ],
  });
}

function sums() {
  return stats(
    stat({
      title: 'Proxies',
      description: 'Proxies that are scraped.',
      empty: 'none',
      unit: 'short',
      expr: `count (weft_build_info{${own}})`,
    }),
    stat({
      title: 'Versions',
      description: 'How many versions of Weft they are of: more than one while an upgrade is under way.',
      empty: 'no proxy is scraped',
      unit: 'short',
      expr: `count (count by (version) (weft_build_info{${own}}))`,
    }),
    stat({
      title: 'CPU',
      description: 'Cores that they use together.',
      empty,
      unit: 'short',
      decimals: 3,
      expr: `sum (${proxyCpu(own)} and on (namespace, pod) weft_workload_info)`,
    }),
    stat({
      title: 'Memory',
      description: 'Resident memory together.',
      empty,
      unit: 'bytes',
      expr: `sum (${proxyMemory(own)} and on (namespace, pod) weft_workload_info)`,
    }),
    ...proxyHealth(own),
  );
}

function all() {
  return proxyTable(
    { title: 'Proxies', description: 'What each proxy uses now.', empty },
    [
      {
        label: 'pod',
        title: 'Pod',
        link: { to: 'pod', set: { namespace: column('namespace'), pod: column('pod') } },
      },
      { label: 'namespace', title: 'Namespace' },
      {
        label: 'workload',
        title: 'Workload',
        link: { to: 'workload', set: { namespace: column('namespace'), workload: column('workload') } },
      },
    ],
    own,
    own,
  );
}

function cost() {
  const words = { empty, link: toPodOfLine };
  return graphs(
    graph({
      ...words,
      title: 'CPU',
      description: 'Cores that a proxy uses; the twenty that use the most.',
      unit: 'short',
      lines: [
        {
          expr: most(`sum by (${byPod}) (${proxyCpu(own)} and on (namespace, pod) weft_workload_info)`),
          legend,
        },
      ],
    }),
    graph({
      ...words,
      title: 'Memory',
      description: 'Resident memory of a proxy; the twenty with the most.',
      unit: 'bytes',
      lines: [
        {
          expr: most(`sum by (${byPod}) (${proxyMemory(own)} and on (namespace, pod) weft_workload_info)`),
          legend,
        },
      ],
    }),
    graph({
      ...words,
      title: 'Busy',
      description: 'Share of the time that the event loops of a proxy are at work; the twenty busiest.',
      unit: 'percentunit',
      max: 1,
      steps: FULL,
      lines: [{ expr: most(loopBusy(own, byPod)), legend }],
    }),
  );
}

function connections() {
  return graphs(
    graph({
      title: 'Connections open',
      description: 'Connections from clients, inbound, and from apps, outbound.',
      empty,
      unit: 'short',
      lines: [{ expr: `sum by (direction) (weft_connections{${own}})`, legend: '{{direction}}' }],
    }),
    graph({
      title: 'Connections accepted by protocol',
      description:
        'New connections a second, by what they carry. tls: mesh TLS inbound, the TLS of apps outbound.',
      empty: 'no connection has been accepted yet',
      unit: 'cps',
      lines: [
        {
          expr: rate('weft_connections_accepted_total', own, 'direction, protocol'),
          legend: '{{direction}} {{protocol}}',
        },
      ],
    }),
    graph({
      title: 'Destinations kept',
      description:
        'Destinations that apps have called and that their proxies keep; the twenty with the most.',
      empty,
      unit: 'short',
      lines: [{ expr: most(`sum by (${byPod}) (weft_destinations{${own}})`), legend }],
      link: toPodOfLine,
    }),
  );
}

function configuration() {
  return graphs(
    graph({
      title: 'Without control plane',
      description: 'Proxies that have no stream to the control plane: they go on with what they know.',
      empty,
      unit: 'short',
      steps: NONE,
      lines: [
        {
          expr: `count (weft_control_plane_connected{${own}}) - sum (weft_control_plane_connected{${own}})`,
          legend: 'proxies',
        },
      ],
    }),
    graph({
      title: 'Resources refused, destinations not answered',
      description:
        'What proxies refused of what the control plane sent, and connections passed through because it did not answer in time; a second.',
      empty,
      unit: 'ops',
      lines: [
        { expr: rate('weft_refused_resources_total', own), legend: 'resources refused' },
        { expr: rate('weft_discovery_timeouts_total', own), legend: 'passed through' },
      ],
    }),
    graph({
      title: 'Certificates',
      description: 'How long the certificate that ends first lasts, and the one that ends last.',
      empty,
      unit: 's',
      lines: [
        { expr: `min (weft_certificate_expires_seconds{${own}})`, legend: 'first', color: 'orange' },
        { expr: `max (weft_certificate_expires_seconds{${own}})`, legend: 'last', color: 'green' },
      ],
    }),
  );
}

function age() {
  return graphs(
    graph({
      title: 'Age of configuration',
      description:
        'For how long nobody has stood behind what a proxy goes by, at the proxy where that is longest: 0 while it has the control plane.',
      empty,
      unit: 's',
      lines: [{ expr: `max (weft_configuration_age_seconds{${own}})`, legend: 'longest' }],
    }),
    graph({
      title: 'Renewals that failed',
      description:
        'Attempts to get a certificate that have failed since the last one that brought one; the twenty proxies with the most.',
      empty,
      unit: 'short',
      steps: NONE,
      lines: [{ expr: most(`max by (${byPod}) (weft_certificate_failed_attempts{${own}})`), legend }],
      link: toPodOfLine,
    }),
  );
}

function memory() {
  return graphs(
    graph({
      title: 'Memory of the nearest limit',
      description: 'Share of its limit that a proxy uses; the twenty that are nearest to it.',
      empty,
      unit: 'percentunit',
      max: 1,
      steps: FULL,
      lines: [
        {
          expr: most(`max by (${byPod}) (weft_memory_used_bytes{${own}} / weft_memory_limit_bytes{${own}})`),
          legend,
        },
      ],
      link: toPodOfLine,
    }),
    graph({
      title: 'Short of memory',
      description:
        'Proxies that take on less because memory is short. slow: new connections wait; refuse: requests are refused (OM).',
      empty,
      unit: 'short',
      steps: NONE,
      lines: [{ expr: `sum by (stage) (weft_memory_pressure{${own}})`, legend: '{{stage}}' }],
    }),
    graph({
      title: 'Series of metrics',
      description:
        'Series of requests that proxies hold; beyond the bound they are counted as overflow (docs/metrics.md).',
      empty,
      unit: 'short',
      lines: [
        { expr: `max (weft_metric_series{${own}})`, legend: 'of the proxy with the most' },
        {
          expr: `max (sum by (${byPod}) (weft_metric_overflows_total{${own}}))`,
          legend: 'turned into overflow',
        },
      ],
    }),
  );
}

function refused() {
  return graphs(
    graph({
      title: 'Connections refused',
      description: 'Connections that proxies refused, a second, by reason.',
      empty: 'no connection was refused',
      unit: 'cps',
      lines: [
        { expr: `${rate('weft_inbound_refused_total', own, 'reason')} > 0`, legend: 'inbound: {{reason}}' },
        { expr: `${rate('weft_outbound_refused_total', own, 'reason')} > 0`, legend: 'outbound: {{reason}}' },
      ],
    }),
    graph({
      title: 'Handshakes failed, requests that are no HTTP',
      description:
        'Mesh TLS handshakes that failed, and requests refused because they break the rules of HTTP; a second.',
      empty: 'no handshake failed, and every request was valid HTTP',
      unit: 'ops',
      lines: [
        { expr: `${rate('weft_handshake_failures_total', own)} > 0`, legend: 'handshakes' },
        { expr: `${rate('weft_malformed_requests_total', own, 'fault')} > 0`, legend: '{{fault}}' },
      ],
    }),
    graph({
      title: 'Errors of Weft itself',
      description:
        'Errors that nobody caught, a second, by the guard that did. Any at all is a defect: please report it with the log.',
      empty,
      unit: 'ops',
      steps: NONE,
      lines: [{ expr: rate('weft_internal_errors_total', own, 'where'), legend: '{{where}}' }],
    }),
  );
}
