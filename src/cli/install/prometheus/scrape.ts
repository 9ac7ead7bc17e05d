// A job for a Prometheus without an operator: pods by their annotations, which weft-injector and the control plane's Deployment
// set.
const meta = (name: string) => `__meta_kubernetes_pod_${name}`;
const annotation = (name: string) => meta(`annotation_prometheus_io_${name}`);

/** `scrape_configs` with one job; also a file for `scrape_config_files`. */
export function scrapeObject(): { readonly scrape_configs: readonly object[] } {
  return {
    scrape_configs: [
      {
        job_name: 'weft-pods',
        kubernetes_sd_configs: [{ role: 'pod' }],
        relabel_configs: [
          { source_labels: [annotation('scrape')], action: 'keep', regex: 'true' },
          { source_labels: [meta('phase')], action: 'drop', regex: 'Succeeded|Failed' },
          { source_labels: [annotation('path')], regex: '(.+)', target_label: '__metrics_path__' },
          // All ports of a pod become the one that is annotated, and so one target. IPv6 addresses want brackets.
          {
            source_labels: [meta('ip'), annotation('port')],
            regex: '([^:;]+);(\\d+)',
            replacement: '$1:$2',
            target_label: '__address__',
          },
          {
            source_labels: [meta('ip'), annotation('port')],
            regex: '([^;]*:[^;]*);(\\d+)',
            replacement: '[$1]:$2',
            target_label: '__address__',
          },
          { source_labels: ['__meta_kubernetes_namespace'], target_label: 'namespace' },
          { source_labels: [meta('name')], target_label: 'pod' },
        ],
      },
    ],
  };
}
