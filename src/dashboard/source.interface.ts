import type { PageFigures, PageHistory, PageMesh, PageProxy } from './contract.ts';

/** What the page is about: the control plane's mesh, or a made-up one in tests. */
export interface DashboardSource {
  /** The same object as long as nothing changed. `opened`: namespaces to show by workload where the mesh is grouped. */
  mesh(opened: ReadonlySet<string>): PageMesh;
  /** The figures of now, for the same namespaces. */
  figures(opened: ReadonlySet<string>): PageFigures;
  /** Somebody looks, until what is returned is called: proxies are asked only then. `changed` hears of new figures. */
  watch(changed: () => void): () => void;
  /** Of a workload or pod by key; without any points where nothing is kept of it. */
  history(kind: 'workload' | 'pod', key: string): PageHistory;
  /** Proxies that are connected to this replica: other replicas ask for them. */
  proxies(): readonly PageProxy[];
}
