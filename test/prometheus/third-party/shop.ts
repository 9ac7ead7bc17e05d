// The shop in a sandbox with a real Prometheus that scrapes it: traffic of known numbers, and what the apps themselves counted.
import { fileURLToPath } from 'node:url';
import { callJson } from '../../../examples/demo/call.ts';
import { LoadClient, type PlanRequest } from '../../../examples/demo/load-client.ts';
import type { DemoMesh, DemoPod } from '../../../examples/demo/mesh.interface.ts';
import { SandboxTargets, type ScrapedPod } from '../../../examples/demo/prometheus/sandbox-targets.ts';
import { type RunningPrometheus, startPrometheus } from '../../../examples/demo/prometheus/server.ts';
import { HTTP_PORT, type Stats } from '../../../examples/demo/shop.ts';
import type { Report } from '../../../examples/load/tally.ts';
import type { Fault } from '../../../examples/shop/fault.ts';
import { type PodView, Sandbox, takeDown } from '../../../src/sandbox/index.ts';
import { query, type Row } from './prometheus-api.ts';

const upLimitMs = 100_000;
const scrapeS = 1;

/** See the head of this file. `stop` leaves nothing behind. */
export class ScrapedShop {
  readonly sandbox: Sandbox;
  readonly #prometheus: RunningPrometheus;
  readonly #dialer: Pick<DemoMesh, 'dial'>;

  private constructor(sandbox: Sandbox, prometheus: RunningPrometheus) {
    this.sandbox = sandbox;
    this.#prometheus = prometheus;
    this.#dialer = { dial: (pod, port) => sandbox.dial(`pod/${pod.namespace}/${pod.name}`, port) };
  }

  /** Resolves when every pod is ready and Prometheus runs. `onStop` hears how to undo each step, as it is made. */
  static async start(
    dir: string,
    name: string,
    program: string,
    onStop: (undo: () => unknown) => void,
  ): Promise<ScrapedShop> {
    onStop(() => takeDown(name));
    // Where the images have it: a folder of YAML elsewhere does not say.
    const examples = fileURLToPath(new URL('../../../examples', import.meta.url));
    const sandbox = await Sandbox.up({ dir, name, map: { '/app': examples } });
    await sandbox.ready({ timeoutMs: upLimitMs });
    const targets = await SandboxTargets.start({
      podObjects: async () =>
        (await sandbox.objects()).filter(({ kind }) => kind === 'Pod') as unknown as ScrapedPod[],
      dialPod: (namespace, pod, port) => sandbox.dial(`pod/${namespace}/${pod}`, port),
    });
    onStop(() => targets.stop());
    const prometheus = await startPrometheus(program, targets.jobs, scrapeS);
    onStop(() => prometheus.stop());
    return new ScrapedShop(sandbox, prometheus);
  }

  /** The rows of a query. */
  query(text: string): Promise<readonly Row[]> {
    return query(this.#prometheus.url, text);
  }

  /** The sum of a query's rows. */
  async total(text: string): Promise<number> {
    return (await this.query(text)).reduce((sum, { value }) => sum + value, 0);
  }

  /** Sends so many requests from the load generator; rejects where one has no answer at all. */
  async send(name: string, plan: PlanRequest): Promise<Report> {
    const report = await (await this.#load()).run(name, plan);
    const lost = Object.keys(report.errors);
    if (lost.length > 0 || report.skipped > 0)
      throw new Error(`${name}: ${report.skipped} not sent, ${lost.join(', ')}`);
    return report;
  }

  /** Begins to send at a steady rate, until `end`. */
  async begin(name: string, target: PlanRequest['targets'][number], ratePerSecond: number): Promise<void> {
    await (await this.#load()).start(name, { mode: 'open', ratePerSecond, targets: [target] });
  }

  /** Stops what `begin` began, waits for what is in flight; its report. */
  async end(name: string): Promise<Report> {
    return (await this.#load()).stop(name);
  }

  async #load(): Promise<LoadClient> {
    const [pod] = await this.pods('loadgen');
    return new LoadClient(this.#dialer, pod!);
  }

  /** One request from outside the mesh. */
  async visit(url: string): Promise<number | undefined> {
    const [pod] = await this.pods('visitor');
    const path = `/visit?url=${encodeURIComponent(url)}`;
    return (await callJson<{ status?: number }>({ mesh: this.#dialer, pod: pod!, port: HTTP_PORT, path }))
      .status;
  }

  /** Sets the fault switch of each pod of an app, or clears it. */
  async fail(app: string, fault: Fault | undefined): Promise<void> {
    const init = fault ? { method: 'POST', body: JSON.stringify(fault) } : { method: 'DELETE' };
    for (const pod of await this.pods(app)) await this.#inside(pod, '/fault', init);
  }

  /** What the pods of an app say that they answered. */
  async served(app: string, version?: string): Promise<number> {
    const pods = (await this.pods(app)).filter(pod => version === undefined || pod.version === version);
    const stats = await Promise.all(pods.map(pod => this.#inside(pod, '/stats')));
    return stats.reduce((sum, text) => sum + (JSON.parse(text) as Stats).served, 0);
  }

  /** Asks the app from within its own pod, where no proxy counts it. */
  async #inside({ namespace, name, app }: DemoPod, path: string, init: object = {}): Promise<string> {
    const script = `fetch('http://127.0.0.1:${HTTP_PORT}${path}', ${JSON.stringify(init)}).then(a => a.text()).then(console.log)`;
    const { code, output } = await this.sandbox.exec(`pod/${namespace}/${name}`, ['node', '-e', script], app);
    if (code !== 0) throw new Error(`${path} of ${name}: ${output}`);
    return output;
  }

  async pods(app: string): Promise<readonly DemoPod[]> {
    return (await this.sandbox.pods())
      .filter(pod => pod.labels.app === app && !pod.terminating)
      .map(pod => ({ ...pod, app, version: pod.labels.version ?? '' }));
  }

  async all(): Promise<readonly PodView[]> {
    return this.sandbox.pods();
  }
}

/** Tries until what is asked holds, for half a minute; then the last failure is thrown. */
export async function soon<T>(what: () => Promise<T>): Promise<T> {
  for (const limit = performance.now() + 30_000; ; ) {
    try {
      return await what();
    } catch (thrown) {
      if (performance.now() > limit) throw thrown;
      await new Promise(resolve => setTimeout(resolve, 500));
    }
  }
}
