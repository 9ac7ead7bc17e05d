// The panels of the golden signals, for whatever a dashboard is about: latency, traffic, errors, and how much of it is mutual
// TLS.
import { graphs, type PanelBuilder, type Row, stats, tables } from './dashboard.ts';
import { column, type Link } from './links.ts';
import { ALL, graph, SUCCESS, stat, table } from './panels.ts';
import { openConnections, RANGE, rate, requestsWhere } from './promql.ts';

/** Whose requests: the matchers that select them, and in words. */
export interface Subject {
  readonly matchers: string;
  /** `this pod receives`, `this service gets`. */
  readonly what: string;
}

/** Classes of statuses by color; 0 is a client that went away. */
const STATUSES = [
  ['^0$', 'purple'],
  ['^[12]', 'green'],
  ['^3', 'blue'],
  ['^4', 'orange'],
  ['^5', 'red'],
] as const;
const noRequests = 'no requests';

/** Six numbers: requests, success, three latencies, mutual TLS. */
export function headline({ matchers, what }: Subject): Row {
  const of = requestsWhere(matchers);
  const latency = (quantile: number, words: string): PanelBuilder =>
    stat({
      title: `p${quantile * 100}`,
      description: `${words} of the requests that ${what} are answered within this time, from their first byte to the last of the answer.`,
      empty: noRequests,
      unit: 'ms',
      expr: of.latency(quantile),
    });
  return stats(
    stat({
      title: 'Requests',
      description: `HTTP requests a second that ${what}.`,
      empty: 'none',
      unit: 'reqps',
      expr: of.requests(),
    }),
    stat({
      title: 'Success',
      description: `Share of the requests that ${what} answered with anything but 5xx.`,
      empty: noRequests,
      unit: 'percentunit',
      decimals: 2,
      steps: SUCCESS,
      expr: of.success(),
    }),
    latency(0.5, 'Half'),
    latency(0.9, 'Nine in ten'),
    latency(0.99, 'All but one in a hundred'),
    stat({
      title: 'Mutual TLS',
      description: `Share of the requests that ${what} over mutual TLS between proxies. The rest is plaintext from outside of the mesh.`,
      empty: noRequests,
      unit: 'percentunit',
      decimals: 1,
      steps: ALL,
      expr: of.mutual(),
    }),
  );
}

/** Traffic by status, failures by reason, latency over time. */
export function course({ matchers, what }: Subject): Row {
  return graphs(
    trafficBy({ matchers, what }, 'response_code', 'status'),
    failures({ matchers, what }),
    latencies({ matchers, what }),
  );
}

/** Requests a second by a label. */
export function trafficBy(
  { matchers, what }: Subject,
  label: string,
  words: string,
  link?: Link,
): PanelBuilder {
  return graph({
    title: `Requests by ${words}`,
    description: `HTTP requests a second that ${what}, by ${words}.${label === 'response_code' ? ' 0: the client went away before there was an answer.' : ''}`,
    empty: 'no requests in this time',
    unit: 'reqps',
    stack: true,
    ...(label === 'response_code' && { colors: STATUSES }),
    lines: [{ expr: requestsWhere(matchers).requests(label), legend: `{{${label}}}` }],
    ...(link && { link }),
  });
}

/** What went wrong, by Envoy's flags: https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage */
export function failures({ matchers, what }: Subject): PanelBuilder {
  const failing = `${matchers}, response_flags!="-"`;
  return graph({
    title: 'Failures by reason',
    description:
      `Requests a second that ${what} and that a proxy has something to say about, by status and response flag ` +
      '(UF: cannot connect, UH: no healthy endpoint, UO: a limit, UT: timeout, URX: retries used up, DC: the client went away; docs/errors.md ' +
      'has all). 5xx: what the app itself answered so.',
    empty: 'nothing failed in this time',
    unit: 'reqps',
    lines: [
      {
        expr: `${rate('istio_requests_total', failing, 'response_flags, response_code')} > 0`,
        legend: '{{response_code}} {{response_flags}}',
      },
      {
        expr: `${rate('istio_requests_total', `${matchers}, response_flags="-", response_code=~"5.."`, 'response_code')} > 0`,
        legend: '{{response_code}} of the app',
        color: 'red',
      },
    ],
  });
}

/** p50, p90 and p99 over time. */
export function latencies({ matchers, what }: Subject): PanelBuilder {
  const of = requestsWhere(matchers);
  return graph({
    title: 'Latency',
    description: `Time to the whole answer of the requests that ${what}.`,
    empty: 'no requests in this time',
    unit: 'ms',
    lines: [
      { expr: of.latency(0.5), legend: 'p50', color: 'green' },
      { expr: of.latency(0.9), legend: 'p90', color: 'yellow' },
      { expr: of.latency(0.99), legend: 'p99', color: 'red' },
    ],
  });
}

/** Golden signals in a row for each combination of labels, over all of the time that is shown. */
export function signalTable(
  words: { readonly title: string; readonly description: string; readonly empty: string },
  matchers: string,
  labels: Parameters<typeof table>[0]['labels'],
): PanelBuilder {
  const of = requestsWhere(matchers, RANGE);
  const by = labels.map(({ label }) => label).join(', ');
  return table({
    ...words,
    labels,
    values: [
      { title: 'Requests', unit: 'reqps', expr: of.requests(by) },
      { title: 'Success', unit: 'percentunit', decimals: 2, steps: SUCCESS, expr: of.success(by) },
      { title: 'p50', unit: 'ms', expr: of.latency(0.5, by) },
      { title: 'p90', unit: 'ms', expr: of.latency(0.9, by) },
      { title: 'p99', unit: 'ms', expr: of.latency(0.99, by) },
      { title: 'Mutual TLS', unit: 'percentunit', decimals: 1, steps: ALL, expr: of.mutual(by) },
    ],
  });
}

const toWorkload = (side: 'source' | 'destination'): Link => ({
  to: 'workload',
  set: { namespace: column(`${side}_workload_namespace`), workload: column(`${side}_workload`) },
});

/** Who sends requests: one row for each caller. `matchers` of the receiving side. */
export function callers({ matchers, what }: Subject): Row {
  return tables(
    signalTable(
      {
        title: 'Who calls',
        description: `The callers of the requests that ${what}, as their certificates prove them; unknown: from outside of the mesh.`,
        empty: 'nobody has called in this time',
      },
      matchers,
      [
        { label: 'source_workload', title: 'Caller', link: toWorkload('source') },
        { label: 'source_workload_namespace', title: 'Namespace' },
      ],
    ),
  );
}

/** Whom requests go to. `matchers` of the sending side. */
export function called({ matchers }: Subject): Row {
  return tables(
    signalTable(
      {
        title: 'Whom it calls',
        description:
          'The services that are called, as the calling proxy sees them: with retries and everything on the way.',
        empty: 'nobody has been called in this time',
      },
      matchers,
      [
        {
          label: 'destination_service',
          title: 'Service',
          link: { to: 'service', set: { service: column('destination_service') } },
        },
      ],
    ),
  );
}

/** TCP connections and bytes: what carries no requests that Weft knows of. */
export function tcp(received: string, sent?: string): Row {
  const sides = [
    ['received', received, 'blue'],
    ['made', sent, 'purple'],
  ] as const;
  const lines = (of: (matchers: string) => string): { expr: string; legend: string; color: string }[] =>
    sides.flatMap(([legend, matchers, color]) =>
      matchers === undefined ? [] : [{ expr: of(matchers), legend, color }],
    );
  const empty = 'no TCP connections in this time';
  return graphs(
    graph({
      title: 'TCP connections open',
      description: 'Connections of other protocols than HTTP that are open.',
      empty,
      unit: 'short',
      lines: lines(matchers => openConnections(matchers)),
    }),
    graph({
      title: 'TCP connections opened',
      description: 'Connections of other protocols than HTTP that were opened, a second.',
      empty,
      unit: 'cps',
      lines: lines(matchers => rate('istio_tcp_connections_opened_total', matchers)),
    }),
    graph({
      title: 'TCP bytes',
      description: 'Bytes of such connections a second: towards clients, and from them.',
      empty,
      unit: 'Bps',
      lines: sides.flatMap(([side, matchers]) =>
        matchers === undefined
          ? []
          : [
              { expr: rate('istio_tcp_sent_bytes_total', matchers), legend: `${side}: to the client` },
              { expr: rate('istio_tcp_received_bytes_total', matchers), legend: `${side}: from the client` },
            ],
      ),
    }),
  );
}
