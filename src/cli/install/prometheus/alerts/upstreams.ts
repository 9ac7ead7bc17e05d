// What proxies meet when they call others. `namespace` is that of the callers, `cluster` whom they call.
import type { Alert } from '../rule.ts';

const callers = 'Callers in namespace {{ $labels.namespace }}';
const upstream = '{{ $labels.cluster_name }}';
const clusters =
  'What a proxy sees: kubectl port-forward -n {{ $labels.namespace }} POD 15000, then curl localhost:15000/clusters.';
const analyze = 'See what is wrong with policies and pods: `weft analyze`.';

/** Alerts about the other side of calls. */
export const upstreamAlerts: readonly Alert[] = [
  {
    alert: 'WeftEndpointsEjected',
    expr: 'sum by (namespace, cluster_name) (increase(weft_ejections_total[10m])) >= 5',
    for: '5m',
    severity: 'warning',
    summary: `pods of ${upstream} are taken out of rotation again and again`,
    description: `${callers} have ejected endpoints of ${upstream} {{ $value | humanize }} times within ten minutes: pods fail, come back and fail again.`,
    runbook: `${analyze} Its findings outlier-… say where outlier detection is set too sharply. ${clusters} Look at the log of the pod that it names.`,
  },
  {
    alert: 'WeftHalfOfEndpointsEjected',
    expr: 'max by (namespace, cluster_name) (weft_cluster_ejected / (weft_cluster_endpoints > 1)) >= 0.5',
    for: '2m',
    severity: 'critical',
    summary: `{{ $value | humanizePercentage }} of the pods of ${upstream} are out of rotation`,
    description: `To callers in namespace {{ $labels.namespace }} {{ $value | humanizePercentage }} of the endpoints of ${upstream} fail; the others carry their load.`,
    runbook: `${clusters} ${analyze} If a release did it, roll it back: kubectl rollout undo.`,
  },
  {
    alert: 'WeftOnlyUnreadyEndpoints',
    expr: 'max by (namespace, cluster_name) (weft_cluster_kept_unready) > 0',
    for: '5m',
    severity: 'critical',
    summary: `no pod of ${upstream} is ready`,
    description: `${callers} go on with {{ $value | humanize }} endpoints of ${upstream} though none of them is ready, because connections to them work. A readiness probe that asks what they share, a database say, does that.`,
    runbook:
      'See which pods are not ready and why: `weft check`, then kubectl describe pod. Let the readiness probe ask about the pod alone.',
  },
  {
    alert: 'WeftLimitReached',
    expr: 'sum by (namespace, cluster_name) (rate(weft_overflows_total[5m])) > 0',
    for: '5m',
    severity: 'warning',
    summary: `requests to ${upstream} are refused by a limit`,
    description: `Proxies of namespace {{ $labels.namespace }} refuse {{ $value | humanize }} requests or connections to ${upstream} per second (flag UO), because a limit on connections, pending requests or requests is reached.`,
    runbook:
      'See which object sets the limit: `weft analyze`, `weft route GET http://HOST/ --proxy {{ $labels.namespace }}/POD`. Raise connectionPool in its DestinationRule, or scale the upstream: the limit protects it.',
  },
  {
    alert: 'WeftRetryBudgetExhausted',
    expr: 'sum by (namespace, cluster_name) (rate(weft_retry_budget_exhausted_total[5m])) > 0',
    for: '10m',
    severity: 'warning',
    summary: `so much fails at ${upstream} that it is not retried any more`,
    description: `Proxies of namespace {{ $labels.namespace }} leave out {{ $value | humanize }} retries to ${upstream} per second, because retries would add more than their share of load.`,
    runbook: `Mend the upstream; retries only hide it. ${clusters} ${analyze} The budget itself: docs/traffic-settings.md.`,
  },
  {
    alert: 'WeftConnectFailures',
    expr: 'sum by (namespace, cluster_name) (rate(weft_connect_failures_total[5m])) > 0.1',
    for: '10m',
    severity: 'warning',
    summary: `connections to ${upstream} cannot be opened`,
    description: `Proxies of namespace {{ $labels.namespace }} fail to open {{ $value | humanize }} connections to ${upstream} per second: nothing listens there, a NetworkPolicy is between the two, or handshakes fail.`,
    runbook:
      'See whether Services name ports that nobody serves: `weft analyze` (service-port-unserved), and whether a NetworkPolicy shuts proxies out: `weft check` (network-policies).',
  },
];
