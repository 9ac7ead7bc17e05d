// A real Prometheus beside the cluster, with the usual configuration for pods. One that was built without Kubernetes service
// discovery (Debian's) is told of the pods over HTTP, with the labels that its own discovery would give them.
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { freePort } from '../../../src/wire/testing/ports.ts';
import { type Cluster, isReady, type Pod, until } from './cluster.ts';

const source = (label: string) => `__meta_kubernetes_pod_${label}`;
const annotation = (name: string) => source(`annotation_prometheus_io_${name}`);

/** The usual configuration: pods that say `prometheus.io/scrape`, at the port and path that they say. */
function configuration(discovery: object): object {
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
  return {
    global: { scrape_interval: '2s', scrape_timeout: '2s' },
    scrape_configs: [{ job_name: 'pods', ...discovery, relabel_configs }],
  };
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

/** A running Prometheus; gone with `stop`. */
export interface Prometheus {
  /** The value of a query that has one; 0 when it has none. */
  query(text: string): Promise<number>;
  /** How it finds pods. */
  readonly discovery: string;
  stop(): Promise<void>;
}

/** Starts one; resolves when it answers. */
export async function startPrometheus(
  program: string,
  cluster: Cluster,
  namespaces: readonly string[],
): Promise<Prometheus> {
  const kubernetes = { role: 'pod', kubeconfig_file: cluster.kubeconfig, namespaces: { names: namespaces } };
  const own = await run(program, { kubernetes_sd_configs: [kubernetes] });
  if (typeof own !== 'string') return { ...own, discovery: 'its own discovery' };
  if (!own.includes('kubernetes_sd_configs not found')) throw new Error(own);
  const server = await serveTargets(cluster, namespaces);
  const url = `http://127.0.0.1:${portOf(server)}/`;
  const told = await run(program, { http_sd_configs: [{ url, refresh_interval: '2s' }] });
  if (typeof told === 'string') {
    server.close();
    throw new Error(told);
  }
  const stop = async (): Promise<void> => {
    await told.stop();
    server.closeAllConnections();
    server.close();
  };
  return { ...told, stop, discovery: 'targets over HTTP, because it was built without Kubernetes' };
}

/** A Prometheus with this discovery, or its last words. */
async function run(program: string, discovery: object): Promise<Omit<Prometheus, 'discovery'> | string> {
  const folder = await mkdtemp(join(tmpdir(), 'weft-prometheus-'));
  const at = (name: string) => join(folder, name);
  await writeFile(at('prometheus.yml'), stringify(configuration(discovery)));
  const port = await freePort();
  const log = openSync(at('log'), 'a');
  const args = [
    `--config.file=${at('prometheus.yml')}`,
    `--storage.tsdb.path=${at('data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ];
  const child = spawn(program, args, { stdio: ['ignore', log, log] });
  closeSync(log);
  const over = new Promise<void>(resolve => {
    child.once('close', () => resolve());
    child.once('error', () => resolve());
  });
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await over;
    await rm(folder, { recursive: true, force: true });
  };
  const url = `http://127.0.0.1:${port}`;
  const answers = until('Prometheus to answer', async () => (await fetch(`${url}/-/ready`)).ok, 60_000);
  const up = await Promise.race([answers.catch(() => false), over.then(() => false)]);
  if (up) return { query: text => query(url, text), stop };
  answers.catch(() => {});
  const words = await readFile(at('log'), 'utf8');
  await stop();
  return `Prometheus did not start: ${words.slice(-800)}`;
}

async function query(url: string, text: string): Promise<number> {
  const answer = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(text)}`);
  const { data, error } = (await answer.json()) as {
    data?: { result: { value: [number, string] }[] };
    error?: string;
  };
  if (!data) throw new Error(`${text}: ${error}`);
  return Number(data.result[0]?.value[1] ?? 0);
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
