import type { Plan } from '../load/plan.ts';
import type { BannerReport, RawReport } from '../load/probes.ts';
import type { Report } from '../load/tally.ts';
import { callJson } from './call.ts';
import type { DemoMesh, DemoPod } from './mesh.interface.ts';

const controlPort = 9900;

/** A plan as it is posted: only the targets must be given. */
export type PlanRequest = Partial<Omit<Plan, 'targets'>> & {
  readonly targets: readonly { readonly url: string; readonly method?: string; readonly weight?: number }[];
};

/** Drives the load generator in its pod; see examples/load/control.ts. */
export class LoadClient {
  readonly #mesh: Pick<DemoMesh, 'dial'>;
  readonly #pod: DemoPod;

  constructor(mesh: Pick<DemoMesh, 'dial'>, pod: DemoPod) {
    this.#mesh = mesh;
    this.#pod = pod;
  }

  /** Starts a run under this name. */
  start(name: string, plan: PlanRequest): Promise<Report> {
    return this.#ask(`/runs/${name}`, 'POST', plan);
  }

  /** Its report so far. */
  report(name: string): Promise<Report> {
    return this.#ask(`/runs/${name}`);
  }

  /** Stops it, waits for what is in flight; its final report. */
  stop(name: string): Promise<Report> {
    return this.#ask(`/runs/${name}`, 'DELETE');
  }

  /** Runs a plan that ends by itself; its final report. */
  async run(name: string, plan: PlanRequest): Promise<Report> {
    let report = await this.start(name, plan);
    while (report.running) {
      await new Promise(resolve => setTimeout(resolve, 100));
      report = await this.report(name);
    }
    return report;
  }

  /** How fast a server that speaks first is heard from inside the load generator's pod. */
  banner(host: string, port: number, times: number): Promise<BannerReport> {
    return this.#ask('/probe/banner', 'POST', { host, port, count: times });
  }

  /** Sends bytes from inside the load generator's pod and reads one answer as it came. */
  raw(host: string, port: number, text: string): Promise<RawReport> {
    return this.#ask('/probe/raw', 'POST', { host, port, text });
  }

  async #ask<T>(path: string, method = 'GET', body?: object): Promise<T> {
    const call = { mesh: this.#mesh, pod: this.#pod, port: controlPort, path, method, timeoutMs: 40_000 };
    return (await callJson<{ report: T }>(body === undefined ? call : { ...call, body })).report;
  }
}
