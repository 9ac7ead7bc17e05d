// The example shop on the cluster: its objects as they stand in examples/, its load generator, its restarts.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { RawReport } from '../../../examples/load/probes.ts';
import type { Report } from '../../../examples/load/tally.ts';
import { type Cluster, type Item, isReady, type Pod, until } from './cluster.ts';

const folder = join(import.meta.dirname, '../../../examples/shop/kubernetes');
const controlPort = 9900;

/** Namespaces that this test makes, and the control plane's. */
export const NAMESPACES = ['shop', 'outside', 'cases'] as const;

/** Everything of the shop, with another image, and without the label: that comes later, by hand. */
export function shopObjects(image: string): readonly Item[] {
  const text = globSync(`${folder}/*.yaml`)
    .map(file => readFileSync(file, 'utf8'))
    .join('\n---\n')
    .replaceAll('weft-example-shop:dev', image);
  const objects = parseAllDocuments(text).map(document => document.toJS() as Item);
  const namespaces = objects.filter(({ kind }) => kind === 'Namespace');
  const others = objects.filter(({ kind }) => kind !== 'Namespace');
  others.forEach(patient);
  return [...namespaces.map(object => ({ ...object, metadata: { name: object.metadata.name } })), ...others];
}

/** A node with much else to do answers late; with the second that probes have by default it would withdraw pods that are well. */
function patient({ spec }: Item): void {
  const { template } = (spec ?? {}) as {
    template?: { spec: { containers: { readinessProbe?: { timeoutSeconds?: number } }[] } };
  };
  for (const { readinessProbe } of template?.spec.containers ?? []) {
    if (readinessProbe) readinessProbe.timeoutSeconds = 15;
  }
}

/** A steady load that only counts what failed: slow answers on a busy machine are no failures. */
export const steady = {
  ratePerSecond: 15,
  timeoutMs: 60_000,
  targets: [
    { method: 'GET', url: 'http://storefront/products/p{n}?user=ada', weight: 9 },
    { method: 'POST', url: 'http://cart:8080/items', weight: 1 },
  ],
};

/** See the head of this file. */
export class Shop {
  readonly workloads: readonly Item[];
  readonly #cluster: Cluster;
  readonly #objects: readonly Item[];

  constructor(cluster: Cluster, image: string) {
    this.#cluster = cluster;
    this.#objects = shopObjects(image);
    this.workloads = this.#objects.filter(
      ({ kind, metadata }) =>
        (kind === 'Deployment' || kind === 'StatefulSet') && metadata.namespace === 'shop',
    );
  }

  /** Creates it and waits until all of it runs. */
  async create(): Promise<void> {
    await this.#cluster.apply(...this.#objects);
    await this.#cluster.rolledOut([...this.workloads, ...this.#objects.filter(isVisitor)]);
  }

  /** Restarts `workloads`, so many at once, and waits for the end. */
  async restart(workloads: readonly Item[], atOnce = workloads.length): Promise<void> {
    const waiting = [...workloads];
    const next = async (): Promise<void> => {
      for (let workload = waiting.shift(); workload; workload = waiting.shift()) {
        await this.#cluster.restart(workload);
        await this.#cluster.rolledOut([workload]);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, next));
  }

  /** What is restarted under load: everything but the load generator. */
  get loaded(): readonly Item[] {
    return this.workloads.filter(({ metadata }) => metadata.name !== 'loadgen');
  }

  async start(name: string, plan: object = steady): Promise<void> {
    await this.#ask(`/runs/${name}`, 'POST', plan);
  }

  /** How it went until now. */
  report(name: string): Promise<Report> {
    return this.#ask(`/runs/${name}`, 'GET');
  }

  /** Ends a run; how it went. */
  stop(name: string): Promise<Report> {
    return this.#ask(`/runs/${name}`, 'DELETE');
  }

  /** A steady load while `work` goes on, and whatever becomes of it no longer; how it went. */
  async underLoad(name: string, work: () => Promise<void>): Promise<Report> {
    await this.start(name);
    try {
      await work();
    } catch (thrown) {
      await this.stop(name).catch(() => {});
      throw thrown;
    }
    return this.stop(name);
  }

  /** Runs exactly so many requests. */
  async run(name: string, count: number): Promise<Report> {
    await this.start(name, { ...steady, ratePerSecond: 30, count });
    return until(`${count} requests to end`, async () => {
      const report = await this.report(name);
      return report.running ? undefined : report;
    });
  }

  /** One HTTP/1.1 request, or nothing at all, over a new connection from within the load generator's pod. */
  raw(host: string, port: number, text: string): Promise<RawReport> {
    return this.#ask('/probe/raw', 'POST', { host, port, text });
  }

  /** The first line of a server that speaks first, heard from within the load generator's pod. */
  async banner(host: string, port: number): Promise<string> {
    const { banners, errors } = await this.#ask<{ banners: Record<string, number>; errors: string[] }>(
      '/probe/banner',
      'POST',
      { host, port, count: 1 },
    );
    return Object.keys(banners)[0] ?? errors.join();
  }

  /** What a client outside the mesh gets from this address. */
  async visit(
    url: string,
  ): Promise<{ readonly status?: number; readonly error?: string; readonly text?: string }> {
    const [visitor] = (await this.#cluster.pods('outside', 'app=visitor')).filter(isReady);
    if (!visitor) throw new Error('no visitor pod is ready');
    return this.#cluster.askPod(visitor, 8080, `/visit?url=${encodeURIComponent(url)}`);
  }

  async #ask<T>(path: string, method: 'GET' | 'POST' | 'DELETE', body?: object): Promise<T> {
    const pods = (await this.#cluster.pods('shop', 'app=loadgen')).filter(isReady);
    if (!pods[0]) throw new Error('no loadgen pod is ready');
    const { report } = await this.#cluster.askPod<{ report: T }>(pods[0], controlPort, path, method, body);
    return report;
  }
}

function isVisitor({ kind, metadata }: Item): boolean {
  return kind === 'Deployment' && metadata.name === 'visitor';
}

/** Pods of a namespace that do not have both containers of ours. */
export function withoutProxy(pods: readonly Pod[]): readonly string[] {
  return pods
    .filter(({ spec }) => {
      const containers = [...spec.containers, ...(spec.initContainers ?? [])].map(({ name }) => name);
      return !containers.includes('weft-proxy') || !containers.includes('weft-init');
    })
    .map(({ metadata }) => metadata.name);
}

/** Throws with the first failures of a load that lost anything; the figure of one that did not. */
export function nothingLost(report: Report): string {
  const { sent, ok, failed, repeatedOrders, failures, latencyMs } = report;
  if (failed > 0 || repeatedOrders > 0 || ok === 0) {
    const first = failures
      .slice(0, 3)
      .map(({ request, reason, atMs }) => `${request} after ${atMs} ms: ${reason}`);
    throw new Error(
      `${failed} of ${sent} requests failed, ${repeatedOrders} orders came twice; ${first.join('; ')}`,
    );
  }
  return `${ok} requests, none failed, p99 ${latencyMs.p99.toFixed(0)} ms`;
}
