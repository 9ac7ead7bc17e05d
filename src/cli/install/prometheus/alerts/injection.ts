// Pods that should be in the mesh, and the webhook that puts them there.
import { type Alert, grewWithin } from '../rule.ts';

/** Alerts about injection. */
export const injectionAlerts: readonly Alert[] = [
  {
    alert: 'WeftPodsOutsideMesh',
    expr: 'max by (workload_namespace, code) (weft_uninjected_pods) > 0',
    for: '10m',
    severity: 'warning',
    summary: '{{ $value | humanize }} pods of {{ $labels.workload_namespace }} are outside the mesh',
    description:
      '{{ $value | humanize }} pods of namespace {{ $labels.workload_namespace }} run without a proxy though their labels ask for one ({{ $labels.code }}: missed pods were created while nobody answered the API server, or before their namespace was labelled). Their traffic is neither protected nor counted, and strict peers refuse it.',
    runbook: 'See each with its reason and the command that mends it: `weft check` (uninjected).',
  },
  {
    alert: 'WeftInjectionRefused',
    expr: `sum by (code) (${grewWithin('15m', 'weft_webhook_admissions_total{outcome=~"denied|admitted"}')}) > 0`,
    for: '1m',
    severity: 'warning',
    summary: 'pods cannot be injected as they ask: {{ $labels.code }}',
    description:
      '{{ $value | humanize }} pods were denied, or admitted without a proxy, within a quarter of an hour because of {{ $labels.code }}. A Deployment whose pods are denied does not roll out.',
    runbook:
      'See why: `weft analyze` (injection-refused) with file and line, `weft check` (uninjected), or `weft inject -f POD.yaml`.',
  },
  {
    alert: 'WeftWebhookTurnsAway',
    expr: 'sum by (code) (rate(weft_webhook_refusals_total[5m])) > 0',
    for: '5m',
    severity: 'warning',
    summary: 'the webhook turns questions of the API server away: {{ $labels.code }}',
    description:
      'There are too many at once, {{ $value | humanize }} per second. Pods start without a proxy, or not at all, as the failure policy says.',
    runbook:
      'See who asks: `weft check` (webhook-reachable). More replicas: `weft upgrade --replicas 3`, and apply what it prints.',
  },
  {
    alert: 'WeftWebhookSlow',
    expr: 'histogram_quantile(0.99, sum by (le) (rate(weft_webhook_admission_seconds_bucket[10m]))) > 1',
    for: '10m',
    severity: 'warning',
    summary: 'injection takes {{ $value | humanizeDuration }}',
    description:
      'A hundredth of the questions of the API server is answered after {{ $value | humanizeDuration }} or later. After ten seconds the API server gives up.',
    runbook:
      '`weft check` tells whether the control plane is short of anything; more for it: `weft upgrade --cpu-request 500m`.',
  },
];
