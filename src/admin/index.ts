// admin: the endpoints of a proxy that are not traffic: health and Prometheus on 15020, and on loopback 15000 what runs and why.
// In: HTTP requests. Out: text and JSON made from the data plane's objects.
export { appHealthRoutes, readAppProbes } from './app-health.ts';
export { appMetricsRoutes, readAppMetrics } from './app-metrics.ts';
export { coreView } from './core-views.ts';
export {
  type AdminHandler,
  type AdminReply,
  type AdminRequest,
  type AdminRoutes,
  AdminServer,
  json,
  text,
} from './http-server.ts';
export { preStopRoutes } from './pre-stop.ts';
export { type AdminHost, adminRoutes, healthRoutes, wholeMetrics } from './routes.ts';
export { stateView } from './views.ts';
