// What an operator for Prometheus (monitoring.coreos.com/v1) reads: where to scrape, and the rules.
import { CONTAINERS, HEALTH_PORT_NAME } from '../../../../webhook/index.ts';
import { NAMES, PART_OF } from '../names.ts';
import type { Manifest } from '../objects.ts';
import { alerts } from './alerts/index.ts';
import { recordings } from './recordings.ts';
import { type RuleGroup, rulesObject } from './rule.ts';

/** Every rule there is. */
export const ruleGroups: readonly RuleGroup[] = [...recordings, ...alerts];

/** What differs between installations. */
export interface MonitoringOptions {
  /** Where the control plane runs, and where these objects go. */
  readonly namespace: string;
  /** Labels that the Prometheus of an operator selects by. */
  readonly labels: Readonly<Record<string, string>>;
}

const api = { apiVersion: 'monitoring.coreos.com/v1' } as const;
const meta = (name: string) => `__meta_kubernetes_pod_${name}`;

/** A PodMonitor for proxies, a ServiceMonitor for the control plane, a PrometheusRule. */
export function monitoringObjects({ namespace, labels }: MonitoringOptions): Manifest[] {
  const metadata = (name: string) => ({ name, namespace, labels: { ...PART_OF, ...labels } });
  return [
    { ...api, kind: 'PodMonitor', metadata: metadata('weft-proxies'), spec: proxies() },
    { ...api, kind: 'ServiceMonitor', metadata: metadata(NAMES.injector), spec: controlPlane(namespace) },
    { ...api, kind: 'PrometheusRule', metadata: metadata('weft'), spec: rulesObject(ruleGroups) },
  ];
}

/** Every pod of every namespace that has the port by its name, which only proxies have; native sidecars are init containers. */
function proxies(): object {
  return {
    selector: {},
    namespaceSelector: { any: true },
    podMetricsEndpoints: [
      {
        port: HEALTH_PORT_NAME,
        path: '/stats/prometheus',
        relabelings: [
          { action: 'keep', sourceLabels: [meta('container_name')], regex: CONTAINERS.proxy },
          // Who says no by annotation means it.
          { action: 'drop', sourceLabels: [meta('annotation_prometheus_io_scrape')], regex: 'false' },
          // A pod that has ended is still listed.
          { action: 'drop', sourceLabels: [meta('phase')], regex: 'Succeeded|Failed' },
        ],
      },
    ],
  };
}

function controlPlane(namespace: string): object {
  return {
    selector: { matchLabels: { ...PART_OF } },
    namespaceSelector: { matchNames: [namespace] },
    endpoints: [{ port: 'http-metrics', path: '/metrics' }],
  };
}
