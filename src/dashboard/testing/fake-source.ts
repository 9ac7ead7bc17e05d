import { proposedSize, type UsedByProxies } from '../../model/index.ts';
import type { PageEdge, PageFigures, PageHistory, PageMesh, PageProxy, PageSize } from '../contract.ts';
import { grouped, groupedEdges } from '../mesh/grouping.ts';
import type { DashboardSource } from '../source.interface.ts';

/** A mesh that a test made up; `tell` has pages hear of what changed. */
export class FakeSource implements DashboardSource {
  whole: PageMesh;
  edges: readonly PageEdge[];
  /** Points of the history of everything. */
  points = 60;
  atMs: number;
  /** Called when a page has closed. */
  gone: () => void = () => {};
  readonly #listeners = new Set<() => void>();
  readonly #views = new Map<string, { of: PageMesh; view: PageMesh }>();

  constructor(mesh: PageMesh, edges: readonly PageEdge[], atMs: number) {
    this.whole = mesh;
    this.edges = edges;
    this.atMs = atMs;
  }

  /** Pages that are open. */
  get watchers(): number {
    return this.#listeners.size;
  }

  tell(): void {
    this.atMs += 2_500;
    for (const each of this.#listeners) each();
  }

  mesh(opened: ReadonlySet<string>): PageMesh {
    const key = [...opened].sort().join();
    const known = this.#views.get(key);
    if (known?.of === this.whole) return known.view;
    const view = grouped(this.whole, opened);
    this.#views.set(key, { of: this.whole, view });
    return view;
  }

  figures(opened: ReadonlySet<string>): PageFigures {
    const { proxyCount } = this.whole.controlPlane;
    const edges = groupedEdges(this.edges, this.whole, opened);
    const pods = this.mesh(opened).workloads.flatMap(each =>
      each.pods.map(({ key }, at) => ({
        pod: key,
        inbound: { rps: 10 + at, errors: 0, p50: 2, p90: 8, p99: 20 },
        outbound: { rps: 4, errors: 0, p50: 1, p90: 2, p99: 9 },
        saturation: { busy: 0.04, memoryBytes: 63e6, retries: 0, ejected: 0, waiting: 0 },
        size: sizeOf({ busiestCores: 0.012 * (1 + at), peakBytes: 41 * 2 ** 20, seconds: 9_000 }),
      })),
    );
    return { atMs: this.atMs, seconds: 10, asked: proxyCount, answered: proxyCount, edges, pods };
  }

  watch(changed: () => void): () => void {
    this.#listeners.add(changed);
    return () => {
      this.#listeners.delete(changed);
      this.gone();
    };
  }

  proxies(): readonly PageProxy[] {
    return this.whole.controlPlane.proxies;
  }

  history(_kind: 'workload' | 'pod', key: string): PageHistory {
    const wave = (middle: number, width: number): number[] =>
      Array.from({ length: this.points }, (_, at) => middle + width * Math.sin(at / 6 + key.length));
    return {
      atMs: Array.from({ length: this.points }, (_, at) => this.atMs - (this.points - 1 - at) * 5_000),
      rps: wave(42, 9),
      errors: wave(0.6, 0.5),
      p50: wave(2.4, 0.3),
      p90: wave(9, 2),
      p99: wave(38, 14),
      busy: wave(0.05, 0.02),
      memoryBytes: wave(61e6, 2e6),
    };
  }
}

function sizeOf(used: UsedByProxies): PageSize {
  return { ...used, ...proposedSize(used) };
}
