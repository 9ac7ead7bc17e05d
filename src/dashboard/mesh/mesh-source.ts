import type { Clock } from '../../time/index.ts';
import type { PageFigures, PageHistory, PageMesh, PageProxy } from '../contract.ts';
import type { Gatherer } from '../figures/gatherer.ts';
import type { DashboardSource } from '../source.interface.ts';
import { grouped, groupedEdges } from './grouping.ts';
import { type Known, viewOf } from './view.ts';

/** How old what is told may be: proxies come and go without a change of the mesh, and a large mesh is work to tell. */
const freshMs = 2_000;
const freshMsOfLarge = 10_000;
const large = 2_000;

/** What the mesh source works with. */
export interface MeshSourceOptions {
  readonly known: () => Known;
  /** The proxies of this replica. */
  readonly proxies: () => readonly PageProxy[];
  readonly gatherer: Gatherer;
  readonly clock: Clock;
}

/** The control plane's mesh, told again when it is another. Nothing is worked out while nobody looks. */
export class MeshSource implements DashboardSource {
  readonly #options: MeshSourceOptions;
  #view: PageMesh | undefined;
  #text = '';
  #madeMs = 0;
  #parts = new Map<string, PageMesh>();

  constructor(options: MeshSourceOptions) {
    this.#options = options;
  }

  mesh(opened: ReadonlySet<string>): PageMesh {
    const view = this.#whole();
    const key = [...opened].sort().join();
    let part = this.#parts.get(key);
    if (part === undefined) {
      part = grouped(view, opened);
      this.#parts.set(key, part);
    }
    return part;
  }

  figures(opened: ReadonlySet<string>): PageFigures {
    const { figures } = this.#options.gatherer;
    const whole = this.#whole();
    const part = this.mesh(opened);
    if (!part.grouped) return figures;
    const pods = new Set(part.workloads.flatMap(each => each.pods.map(pod => pod.key)));
    return {
      ...figures,
      edges: groupedEdges(figures.edges, whole, opened),
      pods: figures.pods.filter(each => pods.has(each.pod)),
    };
  }

  watch(changed: () => void): () => void {
    return this.#options.gatherer.watch(changed);
  }

  history(kind: 'workload' | 'pod', key: string): PageHistory {
    return this.#options.gatherer.history(kind, key);
  }

  proxies(): readonly PageProxy[] {
    return this.#options.proxies();
  }

  #whole(): PageMesh {
    const { clock, known } = this.#options;
    const limitMs = (this.#view?.workloads.length ?? 0) > large ? freshMsOfLarge : freshMs;
    if (this.#view !== undefined && clock.monotonic() - this.#madeMs < limitMs) return this.#view;
    const view = viewOf(known());
    this.#madeMs = clock.monotonic();
    const text = JSON.stringify(view);
    if (text === this.#text && this.#view !== undefined) return this.#view;
    this.#text = text;
    this.#view = view;
    this.#parts = new Map();
    return view;
  }
}
