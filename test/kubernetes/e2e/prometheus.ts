// A real Prometheus beside the cluster, with the usual configuration for pods. One that was built without Kubernetes service
// discovery (Debian's) is told of the pods over HTTP, with the labels that its own discovery would give them.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type RunningPrometheus, startPrometheus } from '../../../examples/demo/prometheus/server.ts';
import { type Cluster, isReady, type Pod } from './cluster.ts';

const source = (label: string) => `__meta_kubernetes_pod_${label}`;
const annotation = (name: string) => source(`annotation_prometheus_io_${name}`);

/** Seconds between two scrapes. */
export const SCRAPE_S = 2;

/** The usual job: pods that say `prometheus.io/scrape`, at the port and path that they say. */
function podsJob(discovery: object): object {
  const relabel_configs = [
    { source_labels: [annotation('scrape')], action: 'keep', regex: 'true' },
    { source_labels: [source('ready')], action: 'keep', regex: 'true' },
    {
      source_labels: [annotation('path')],
      action: 'replace',
      target_label: '__metrics_path__',
      regex: '(.+)',
    },
    {
      source_labels: [source('ip'), annotation('port')],
      action: 'replace',
      regex: '(.+);(\\d+)',
      replacement: '$1:$2',
      target_label: '__address__',
    },
    { source_labels: ['__meta_kubernetes_namespace'], action: 'replace', target_label: 'namespace' },
    { source_labels: [source('name')], action: 'replace', target_label: 'pod' },
  ];
  return { job_name: 'pods', ...discovery, relabel_configs };
}

/** What Kubernetes service discovery would say of a pod: a target for each of its ports, or one without. */
function targetsOf(pod: Pod): object[] {
  const annotations = Object.entries(pod.metadata.annotations ?? {}).map(([key, value]) => [
    source(`annotation_${key.replaceAll(/[^a-zA-Z0-9_]/g, '_')}`),
    value,
  ]);
  const labels = {
    ...Object.fromEntries(annotations),
    __meta_kubernetes_namespace: pod.metadata.namespace,
    [source('name')]: pod.metadata.name,
    [source('ip')]: pod.status.podIP ?? '',
    [source('ready')]: String(isReady(pod)),
  };
  const ports = pod.spec.containers.flatMap(container => container.ports ?? []);
  const addresses = ports.map(({ containerPort }) => `${pod.status.podIP}:${containerPort}`);
  return (addresses.length > 0 ? addresses : [pod.status.podIP]).map(address => ({
    targets: [address],
    labels,
  }));
}

/** Answers as an endpoint of Prometheus' HTTP service discovery. */
async function serveTargets(cluster: Cluster, namespaces: readonly string[]): Promise<Server> {
  const server = createServer((_, response) => {
    const pods = Promise.all(namespaces.map(namespace => cluster.pods(namespace)));
    pods.then(
      found => {
        const running = found.flat().filter(({ status }) => status.podIP && status.phase === 'Running');
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify(running.flatMap(targetsOf)));
      },
      error => response.writeHead(500).end(String(error)),
    );
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
}

/** A Prometheus that scrapes the pods of a cluster; gone with `stop`. */
export interface ClusterPrometheus extends RunningPrometheus {
  /** How it finds pods, in words. */
  readonly discovery: string;
}

/** Starts one; resolves when it answers. */
export async function scrapeCluster(
  program: string,
  cluster: Cluster,
  namespaces: readonly string[],
): Promise<ClusterPrometheus> {
  const kubernetes = { role: 'pod', kubeconfig_file: cluster.kubeconfig, namespaces: { names: namespaces } };
  try {
    const own = await startPrometheus(program, [podsJob({ kubernetes_sd_configs: [kubernetes] })], SCRAPE_S);
    return { ...own, discovery: 'its own discovery' };
  } catch (thrown) {
    if (!String(thrown).includes('kubernetes_sd_configs not found')) throw thrown;
  }
  const server = await serveTargets(cluster, namespaces);
  const close = (): void => {
    server.closeAllConnections();
    server.close();
  };
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  try {
    const told = await startPrometheus(
      program,
      [podsJob({ http_sd_configs: [{ url, refresh_interval: `${SCRAPE_S}s` }] })],
      SCRAPE_S,
    );
    const stop = (): Promise<void> => told.stop().finally(close);
    return { ...told, stop, discovery: 'targets over HTTP, because it was built without Kubernetes' };
  } catch (thrown) {
    close();
    throw thrown;
  }
}
