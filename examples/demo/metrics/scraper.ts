import { callText } from '../call.ts';
import type { DemoMesh } from '../mesh.interface.ts';
import type { Scrape } from './growth.ts';
import { parsePrometheus, type Sample } from './prometheus.ts';

const healthPort = 15020;

/** Reads the metrics of every proxy. */
export class Scraper {
  readonly #mesh: Pick<DemoMesh, 'pods' | 'dial'>;
  #last = new Map<string, readonly Sample[]>();

  constructor(mesh: Pick<DemoMesh, 'pods' | 'dial'>) {
    this.#mesh = mesh;
  }

  /** A pod that exists and does not answer keeps what it last said, so that its counters do not seem to start anew. */
  async scrape(): Promise<Scrape> {
    const pods = (await this.#mesh.pods()).filter(pod => pod.meshed);
    const pages = await Promise.all(
      pods.map(async pod => {
        const call = { mesh: this.#mesh, pod, port: healthPort, path: '/stats/prometheus', timeoutMs: 2_000 };
        const text = await callText(call).catch(() => undefined);
        return [pod.name, text === undefined ? this.#last.get(pod.name) : parsePrometheus(text)] as const;
      }),
    );
    const found = new Map<string, readonly Sample[]>();
    for (const [name, samples] of pages) if (samples) found.set(name, samples);
    this.#last = found;
    return { atMs: performance.now(), pods: found };
  }
}
