// The control plane: whether proxies have it, how fast changes reach them, and what it found wrong.
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { dashboard, graphs, stats } from '../dashboard.ts';
import { ALL, graph, NONE, type Steps, stat } from '../panels.ts';
import { rate, STEP } from '../promql.ts';

const empty = 'no control plane is scraped';
/** Proxies go on without one; a second replica is what upgrades and nodes that go away need. */
const YEAR: Steps = [
  [null, 'red'],
  [604_800, 'orange'],
  [2_592_000, 'green'],
];

/** The dashboard. */
export function controlPlane(): Dashboard {
  return dashboard({
    name: 'control-plane',
    title: 'Control plane',
    description:
      'Do all proxies have the control plane? How fast do changes reach them, and what is wrong with the configuration?',
    variables: [],
    sections: [
      { title: 'Now', rows: [now()] },
      { title: 'Changes on their way to proxies', rows: [changes()] },
      { title: 'Certificates, and who is turned away', rows: [certificates()] },
      { title: 'What it has read', rows: [objects()] },
      { title: 'Injection', rows: [injection()] },
      { title: 'Saturation', rows: [saturation()] },
    ],
  });
}

function now() {
  return stats(
    stat({
      title: 'Replicas',
      description: 'Control planes that are scraped.',
      empty: 'none',
      unit: 'short',
      expr: 'count (weft_control_plane_connected_proxies)',
    }),
    stat({
      title: 'Proxies connected',
      description: 'Proxies that follow changes now.',
      empty,
      unit: 'short',
      expr: 'sum (weft_control_plane_connected_proxies)',
    }),
    stat({
      title: 'Proxies with a control plane',
      description: 'Share of the scraped proxies that have a stream to a control plane.',
      empty: 'no proxy is scraped',
      unit: 'percentunit',
      steps: ALL,
      expr: 'avg (weft_control_plane_connected)',
      link: { to: 'proxies', set: {} },
    }),
    ...wrong(),
  );
}

/** What should be nothing, and the authority's end. */
function wrong() {
  return [
    stat({
      title: 'Problems of configuration',
      description: 'Things wrong with objects and sources now; weft analyze says what.',
      empty,
      unit: 'short',
      steps: NONE,
      expr: 'max (sum by (pod) (weft_control_plane_problems))',
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
      title: 'Authority',
      description:
        'How long the certificate of the authority lasts that ends first. docs/install.md says how to renew it.',
      empty,
      unit: 's',
      steps: YEAR,
      expr: 'min (weft_control_plane_authority_not_after_seconds) - time()',
    }),
  ];
}

function changes() {
  const quantile = (q: number): string =>
    `histogram_quantile(${q}, ${rate('weft_control_plane_push_latency_seconds_bucket', '', 'le')}) >= 0`;
  return graphs(
    graph({
      title: 'Time until a change is in use',
      description: 'From when the control plane learned of a change to when a proxy had put it to use.',
      empty: 'nothing has changed in this time',
      unit: 's',
      lines: [
        { expr: quantile(0.5), legend: 'p50', color: 'green' },
        { expr: quantile(0.99), legend: 'p99', color: 'red' },
      ],
    }),
    graph({
      title: 'Resources sent',
      description:
        'Resources sent to proxies a second, by kind. A proxy is sent what differs from what it has, and nothing else.',
      empty: 'nothing has been sent yet',
      unit: 'ops',
      lines: [{ expr: rate('weft_control_plane_pushes_total', '', 'kind'), legend: '{{kind}}' }],
    }),
    graph({
      title: 'Resources refused by proxies',
      description:
        'Resources that proxies could not put to use, a second, by kind: they go on with the last good one. The log names the object.',
      empty: 'no proxy has refused anything',
      unit: 'ops',
      steps: NONE,
      lines: [{ expr: rate('weft_control_plane_nacks_total', '', 'kind'), legend: '{{kind}}' }],
    }),
  );
}

function certificates() {
  return graphs(
    graph({
      title: 'Proxies connected',
      description: 'Proxies that follow changes, by replica of the control plane.',
      empty,
      unit: 'short',
      stack: true,
      lines: [{ expr: 'sum by (pod) (weft_control_plane_connected_proxies)', legend: '{{pod}}' }],
    }),
    graph({
      title: 'Certificates issued',
      description: 'Certificates issued to proxies a second.',
      empty,
      unit: 'ops',
      lines: [{ expr: rate('weft_control_plane_certificates_signed_total', ''), legend: 'issued' }],
    }),
    graph({
      title: 'Proxies turned away or slowed',
      description:
        'Connections and requests of proxies that were refused, by code, and streams read more slowly because they asked for too much.',
      empty,
      unit: 'ops',
      lines: [
        { expr: rate('weft_control_plane_refusals_total', '', 'code'), legend: '{{code}}' },
        { expr: rate('weft_control_plane_slowed_streams_total', ''), legend: 'slowed' },
        { expr: rate('weft_control_plane_refused_destinations_total', ''), legend: 'destinations refused' },
      ],
    }),
  );
}

function objects() {
  return graphs(
    graph({
      title: 'Objects read',
      description: 'Objects that the control plane has read, by kind.',
      empty,
      unit: 'short',
      lines: [{ expr: 'max by (kind) (weft_control_plane_objects)', legend: '{{kind}}' }],
    }),
    graph({
      title: 'Problems',
      description: 'Things wrong with objects and sources, by severity; weft analyze says what.',
      empty,
      unit: 'short',
      steps: NONE,
      lines: [
        { expr: 'max (weft_control_plane_problems{severity="error"})', legend: 'errors', color: 'red' },
        {
          expr: 'max (weft_control_plane_problems{severity="warning"})',
          legend: 'warnings',
          color: 'orange',
        },
      ],
    }),
  );
}

function injection() {
  const quantile = (q: number): string =>
    `histogram_quantile(${q}, ${rate('weft_webhook_admission_seconds_bucket', '', 'le')}) >= 0`;
  const nobody = 'the API server has not asked about a pod in this time';
  return graphs(
    graph({
      title: 'Pods asked about',
      description: 'Questions of the API server about pods, a second, by what was answered.',
      empty: nobody,
      unit: 'ops',
      lines: [
        { expr: rate('weft_webhook_admissions_total', '', 'outcome, code'), legend: '{{outcome}} {{code}}' },
      ],
    }),
    graph({
      title: 'Time to an answer',
      description:
        'From the head of a question to its answer. The API server waits for it whenever a pod is made.',
      empty: nobody,
      unit: 's',
      lines: [
        { expr: quantile(0.5), legend: 'p50', color: 'green' },
        { expr: quantile(0.99), legend: 'p99', color: 'red' },
      ],
    }),
    graph({
      title: 'Pods without a proxy',
      description: 'Running pods that should be in the mesh and are not, by namespace and why.',
      empty: 'every pod that should be in the mesh is',
      unit: 'short',
      lines: [
        {
          expr: 'max by (workload_namespace, code) (weft_uninjected_pods)',
          legend: '{{workload_namespace}} {{code}}',
        },
      ],
    }),
  );
}

function saturation() {
  const own = (expr: string): string =>
    `sum by (pod) (${expr} and on (namespace, pod) weft_control_plane_connected_proxies)`;
  const legend = '{{pod}}';
  return graphs(
    graph({
      title: 'CPU',
      description: 'Cores that each replica uses.',
      empty,
      unit: 'short',
      lines: [{ expr: own(`rate(process_cpu_seconds_total[${STEP}])`), legend }],
    }),
    graph({
      title: 'Memory',
      description: 'Resident memory of each replica.',
      empty,
      unit: 'bytes',
      lines: [{ expr: own('process_resident_memory_bytes'), legend }],
    }),
    graph({
      title: 'Delay of the event loop',
      description:
        'How late the event loop of each replica was at worst since it was last looked at: everything waits for it.',
      empty,
      unit: 's',
      lines: [{ expr: own('nodejs_eventloop_lag_p99_seconds'), legend }],
    }),
  );
}
