import type { EdgeItem, FiguresItem } from '../../live/figures/index.ts';
import type { Mesh } from '../../model/index.ts';
import { EdgeSum, PodSum } from './sums.ts';

/** Edges of one proxy that are taken in between two ticks, and of all. */
const maxEdgesOfPod = 2_000;
const maxEdges = 60_000;

/** Where nobody proved who called. */
export const UNKNOWN = 'unknown';

/** What was said between two ticks. */
export class Tick {
  readonly edges = new Map<string, EdgeSum>();
  readonly pods = new Map<string, PodSum>();
  readonly #mesh: Mesh;
  readonly #counts = new Map<string, number>();

  /** The mesh says whose pod it is, and what stands behind Services. */
  constructor(mesh: Mesh) {
    this.#mesh = mesh;
  }

  /** `pod` is who said it, as its certificate proves: one end of every edge is its own, whatever it says. */
  take(pod: string, item: FiguresItem): void {
    let sum = this.pods.get(pod);
    if (sum === undefined) {
      sum = new PodSum();
      this.pods.set(pod, sum);
    }
    if ('proxy' in item) {
      sum.take(item.proxy);
      return;
    }
    const { edge } = item;
    (edge.reporter === 'source' ? sum.outbound : sum.inbound).add(edge);
    const many = (this.#counts.get(pod) ?? 0) + 1;
    this.#counts.set(pod, many);
    if (many > maxEdgesOfPod) return;
    const ends = this.#endsOf(pod, edge);
    const key = `${edge.reporter} ${ends.from} ${ends.to} ${ends.version} ${edge.service} ${edge.protocol}`;
    let found = this.edges.get(key);
    if (found === undefined) {
      if (this.edges.size >= maxEdges) return;
      found = new EdgeSum({
        ...ends,
        service: edge.service,
        protocol: edge.protocol,
        reporter: edge.reporter,
      });
      this.edges.set(key, found);
    }
    found.take(pod, edge);
  }

  #endsOf(
    pod: string,
    { reporter, peer, version, service }: EdgeItem,
  ): Pick<EdgeSum, 'from' | 'to' | 'version'> {
    const workload = this.#mesh.workloads.get(pod);
    const own = workload === undefined ? pod : `${workload.namespace}/${workload.owner.name}`;
    if (reporter === 'destination') {
      return { from: peer || UNKNOWN, to: own, version: workload?.version ?? version };
    }
    // No endpoint was chosen: what stands behind the Service is what could not be reached.
    if (peer === '') return { from: own, to: this.#behind(service) ?? (service || UNKNOWN), version: '' };
    return { from: own, to: peer, version };
  }

  #behind(service: string): string | undefined {
    for (const endpoints of this.#mesh.services.get(service)?.endpoints.values() ?? []) {
      for (const { workload: pod } of endpoints) {
        const workload = pod === undefined ? undefined : this.#mesh.workloads.get(pod);
        if (workload !== undefined) return `${workload.namespace}/${workload.owner.name}`;
      }
    }
    return undefined;
  }
}
