// A real Prometheus beside the cluster, finding pods through its own Kubernetes service discovery as everybody's configuration does.
import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { until } from './cluster.ts';

const source = (label: string) => `__meta_kubernetes_pod_${label}`;
const annotation = (name: string) => source(`annotation_prometheus_io_${name}`);

/** The usual configuration: pods that say `prometheus.io/scrape`, at the port and path that they say. */
function configuration(kubeconfig: string, namespaces: readonly string[]): object {
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
  const pods = { role: 'pod', kubeconfig_file: kubeconfig, namespaces: { names: namespaces } };
  return {
    global: { scrape_interval: '2s', scrape_timeout: '2s' },
    scrape_configs: [{ job_name: 'pods', kubernetes_sd_configs: [pods], relabel_configs }],
  };
}

/** A running Prometheus; gone with `stop`. */
export interface Prometheus {
  /** The value of a query that has one; 0 when it has none. */
  query(text: string): Promise<number>;
  stop(): Promise<void>;
}

/** Starts one; resolves when it answers. */
export async function startPrometheus(
  program: string,
  kubeconfig: string,
  namespaces: readonly string[],
): Promise<Prometheus> {
  const folder = await mkdtemp(join(tmpdir(), 'weft-prometheus-'));
  const at = (name: string) => join(folder, name);
  await writeFile(at('prometheus.yml'), stringify(configuration(kubeconfig, namespaces)));
  const port = await freePort();
  const log = openSync(at('log'), 'a');
  const child = spawn(
    program,
    [
      `--config.file=${at('prometheus.yml')}`,
      `--storage.tsdb.path=${at('data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: ['ignore', log, log] },
  );
  const over = new Promise(resolve => child.once('close', resolve));
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await over;
    await rm(folder, { recursive: true, force: true });
  };
  const query = async (text: string): Promise<number> => {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(text)}`);
    const { data, error } = (await answer.json()) as {
      data?: { result: { value: [number, string] }[] };
      error?: string;
    };
    if (!data) throw new Error(`${text}: ${error}`);
    return Number(data.result[0]?.value[1] ?? 0);
  };
  try {
    await until(
      'Prometheus to answer',
      async () => (await fetch(`http://127.0.0.1:${port}/-/ready`)).ok,
      30_000,
    );
    return { query, stop };
  } catch (thrown) {
    const words = await readFile(at('log'), 'utf8');
    await stop();
    throw new Error(`${String(thrown)}; ${words.slice(-500)}`);
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
