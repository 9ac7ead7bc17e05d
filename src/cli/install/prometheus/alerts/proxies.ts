// Proxies themselves, and what is told about them.
import { type Alert, grewWithin } from '../rule.ts';

const pod = '{{ $labels.namespace }}/{{ $labels.pod }}';

/** Alerts about proxies and their metrics. */
export const proxyAlerts: readonly Alert[] = [
  {
    alert: 'WeftInboundRefused',
    expr: 'sum by (namespace, pod, port, reason) (rate(weft_inbound_refused_total[5m])) > 0.1',
    for: '10m',
    severity: 'warning',
    summary: `${pod} refuses connections to port {{ $labels.port }}: {{ $labels.reason }}`,
    description: `{{ $value | humanize }} connections per second are refused. Each reason is explained in docs/errors.md; plaintext where a policy wants mutual TLS is the usual one.`,
    runbook:
      'See which policy says so and who is shut out: `weft analyze -n {{ $labels.namespace }}` (strict-refuses-caller). The access log of the pod names the callers.',
  },
  {
    alert: 'WeftPassedUnknown',
    expr: 'sum by (namespace, pod) (rate(weft_discovery_timeouts_total[5m])) > 0',
    for: '10m',
    severity: 'warning',
    summary: `${pod} passes connections on without knowing whereto`,
    description: `Discovery does not answer the proxy of ${pod} in time, so {{ $value | humanize }} connections per second go on as if there were no mesh: no policy, no mutual TLS.`,
    runbook:
      'See whether the control plane answers: `weft check`. What the proxy knows: `weft route GET http://HOST/ --proxy {{ $labels.namespace }}/{{ $labels.pod }}`.',
  },
  {
    alert: 'WeftProxyShortOfMemory',
    expr: 'max by (namespace, pod) (weft_memory_pressure{stage="refuse"}) > 0 or sum by (namespace, pod) (increase(weft_memory_pressure_total{stage="refuse"}[10m])) > 0',
    for: '1m',
    severity: 'critical',
    summary: `the proxy of ${pod} is so short of memory that it refuses requests`,
    description:
      'It answers new requests with 503 (flag OM) rather than to be killed, and recovers by itself when the load is less.',
    runbook:
      'Raise the limit: annotation weft.dev/proxy-memory-limit on the pod, or for all `weft upgrade --proxy-memory-limit 512Mi`. docs/beginnings.md tells what fills it; `weft analyze` finds policies that do.',
  },
  {
    alert: 'WeftInternalErrors',
    expr: `sum by (namespace, pod, where) (${grewWithin('15m', 'weft_internal_errors_total')}) > 0`,
    for: '0s',
    severity: 'warning',
    summary: `a defect of Weft in ${pod}: {{ $labels.where }}`,
    description:
      'An error of Weft itself was caught by a guard; it closed at most one connection each time, and everything else goes on.',
    runbook:
      'Please report it with the stack from the log (code internal-error) and the versions that `weft version` prints.',
  },
  {
    alert: 'WeftSeriesOverflow',
    expr: 'sum by (namespace, pod) (increase(weft_metric_overflows_total[30m]) or increase(weft_peer_overflows_total[30m])) > 0',
    for: '5m',
    severity: 'warning',
    summary: `${pod} has more to count than it may tell apart`,
    description: `The proxy of ${pod} has reached its bound of series, or of names that one identity gives itself. What is beyond it counts under overflow="true", so sums stay right and their parts do not.`,
    runbook:
      'Find what grows: topk(10, count by (destination_service) (istio_requests_total)), the same by source_principal; docs/metrics.md has each bound. A ServiceEntry with wildcards for many hosts is one cause: `weft analyze`.',
  },
  {
    alert: 'WeftMetricsLeftOut',
    expr: 'weft_metrics_left_out > 0',
    for: '10m',
    severity: 'warning',
    summary: `${pod} leaves {{ $value | humanize }} samples out of each scrape`,
    description: 'More than 64 MB would have to be scraped. Sums are too small.',
    runbook:
      'Find what grows as for WeftSeriesOverflow: docs/metrics.md; `weft analyze` finds policies that make many routes.',
  },
  {
    alert: 'WeftAppMetricsMissing',
    expr: 'weft_app_metrics_up == 0',
    for: '15m',
    severity: 'warning',
    summary: `the application of ${pod} does not give its own metrics`,
    description: `The proxy of ${pod} asks the application where its prometheus.io annotations say, and gets none; its own metrics are there.`,
    runbook:
      'The log of the proxy says why: kubectl logs -n {{ $labels.namespace }} {{ $labels.pod }} -c weft-proxy. What the annotations become: `weft inject -f POD.yaml`.',
  },
  {
    alert: 'WeftScrapedTwice',
    expr: 'max by (namespace, pod) (count by (namespace, pod, component) (istio_build{tag=~"weft-.*"})) > 1',
    for: '15m',
    severity: 'warning',
    summary: `${pod} is scraped {{ $value | humanize }} times`,
    description:
      'Two jobs of Prometheus find the same proxy, by its annotations and by a PodMonitor, so every sum is too large.',
    runbook: 'Keep one: docs/monitoring.md, or take out what `weft install --monitoring` prints.',
  },
];
