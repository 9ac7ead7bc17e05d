// dashboard: the server of the web page. In: what the control plane knows of the mesh, and figures that proxies give while
// somebody looks. Out: the page's files, and lines of JSON for it. The page itself is browser code, in dashboard/ beside the
// programs.
//
//   contract   what page and server say to each other
//   server     HTTP: files, refusals, the stream of one page
//   assets     the files of the page, built from source or out of the program's bundle

export { type Build, pagePlugin } from './assets/bundle.ts';
export { type Asset, type Assets, loadAssets } from './assets/index.ts';
export type * from './contract.ts';
export {
  createDashboard,
  DASHBOARD_PATH,
  type DashboardHandler,
  type DashboardOptions,
  type Denied,
} from './server/handler.ts';
export type { DashboardSource } from './source.interface.ts';
