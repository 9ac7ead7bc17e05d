// The control plane, and whether proxies still hear of it.
import type { Alert } from '../rule.ts';

const pod = '{{ $labels.namespace }}/{{ $labels.pod }}';
const check = 'See what is not well: `weft check`.';
const away = `${check} Its findings control-plane, webhook-reachable and network-policies name the usual reasons. The proxy's own: kubectl logs -c weft-proxy.`;

/** Alerts about discovery and the control plane itself. */
export const controlPlaneAlerts: readonly Alert[] = [
  {
    alert: 'WeftControlPlaneDown',
    expr: 'absent(weft_control_plane_connected_proxies)',
    for: '5m',
    severity: 'critical',
    summary: 'no control plane is scraped',
    description:
      'No replica of weft-injector gives metrics. Proxies carry traffic on with what they know; new pods are not injected, changes do not arrive, certificates are not renewed.',
    runbook: `${check} If it is well, Prometheus does not find it: \`weft install --monitoring\`, docs/monitoring.md.`,
  },
  {
    alert: 'WeftMostProxiesLostControlPlane',
    expr: 'avg(weft_control_plane_connected) < 0.5',
    for: '2m',
    severity: 'critical',
    summary: 'only {{ $value | humanizePercentage }} of the proxies hear of the control plane',
    description:
      'Most proxies go by what they knew when the stream ended: endpoints that are gone stay in use until they fail, and new ones get no traffic.',
    runbook: away,
  },
  {
    alert: 'WeftProxyLostControlPlane',
    expr: 'weft_control_plane_connected == 0',
    for: '5m',
    severity: 'warning',
    summary: `${pod} has lost the control plane`,
    description: `The proxy of ${pod} goes by what it knew when the stream ended.`,
    runbook: away,
  },
  {
    alert: 'WeftConfigurationOld',
    expr: 'weft_configuration_age_seconds > 3600',
    for: '5m',
    severity: 'critical',
    summary: `${pod} goes by a configuration of {{ $value | humanizeDuration }} ago`,
    description: `Nobody has told the proxy of ${pod} anything for {{ $value | humanizeDuration }}: policies, endpoints and trust have been what they were then.`,
    runbook: away,
  },
  {
    alert: 'WeftProxyRefusesConfiguration',
    expr: 'sum by (namespace, pod) (increase(weft_refused_resources_total[10m])) > 0',
    for: '1m',
    severity: 'warning',
    summary: `${pod} refuses what it is told`,
    description: `The proxy of ${pod} could not put {{ $value | humanize }} resources to use and goes on with the last good ones.`,
    runbook:
      'See which object it is: `weft check` (refused-by-proxies) and `weft analyze`. If the versions differ, `weft version` tells, and the pod wants a restart.',
  },
  {
    alert: 'WeftPushSlow',
    expr: 'histogram_quantile(0.99, sum by (le) (rate(weft_control_plane_push_latency_seconds_bucket[10m]))) > 5',
    for: '10m',
    severity: 'warning',
    summary: 'changes take {{ $value | humanizeDuration }} to reach proxies',
    description:
      'A hundredth of the changes takes {{ $value | humanizeDuration }} or more from when the control plane learns of them until a proxy has put them to use.',
    runbook: `${check} Give the control plane more: \`weft upgrade --cpu-request 500m --replicas 3\`, and apply what it prints.`,
  },
  {
    alert: 'WeftControlPlaneRefuses',
    expr: 'sum by (code) (rate(weft_control_plane_refusals_total[5m])) > 0.1',
    for: '10m',
    severity: 'warning',
    summary: 'the control plane refuses proxies: {{ $labels.code }}',
    description:
      'It refuses {{ $value | humanize }} connections or requests of proxies per second with the code {{ $labels.code }}, which docs/errors.md explains.',
    runbook: `${check} Its log names who is refused: kubectl logs -n weft-system deploy/weft-injector.`,
  },
  {
    alert: 'WeftPolicyProblems',
    expr: 'max(weft_control_plane_problems{severity="error"}) > 0',
    for: '10m',
    severity: 'warning',
    summary: '{{ $value | humanize }} policies or sources are wrong',
    description:
      'Objects were refused, or the API cannot be read. A refused object keeps its last good version, and what it says now is not in force.',
    runbook: 'See each with its remedy: `weft analyze`; what concerns the API: `weft check`.',
  },
  {
    alert: 'WeftVersionsDiffer',
    expr: 'count(count by (tag) (istio_build{tag=~"weft-.*"})) > 1',
    for: '1d',
    severity: 'info',
    summary: '{{ $value | humanize }} versions of Weft have run beside each other for a day',
    description: 'Pods that were not restarted since an upgrade have the proxy that they were injected with.',
    runbook:
      'See which: `weft version`, `weft check` (proxy-versions). Restart them: kubectl rollout restart.',
  },
];
