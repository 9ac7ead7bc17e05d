// dashboard: the server of the web page. In: what the control plane knows of the mesh, and figures that proxies give while
// somebody looks. Out: the page's files, and lines of JSON for it. The page itself is browser code, in dashboard/ beside the
// programs.
//
//   contract   what page and server say to each other
//   server     routes of the live API: files, data, the stream of one page
//   figures    what proxies say, added up, and 15 minutes of it
//   mesh       what the control plane knows, as the page tells it

export type * from './contract.ts';
export { Gatherer, type GathererOptions, type PeerListener, type PeerQuestion } from './figures/gatherer.ts';
export { MeshSource } from './mesh/mesh-source.ts';
export { type AskProxies, PeerProxies } from './mesh/peer-proxies.ts';
export { type Known, type KnownFinding, proxyOf } from './mesh/view.ts';
export { DASHBOARD_PATH, dashboardRoutes, PROXIES_PATH } from './server/routes.ts';
export type { DashboardSource } from './source.interface.ts';
