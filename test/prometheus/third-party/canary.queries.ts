// What canary controllers ask before they give a new version more.
import { quantile, successRate, type ToolQuery } from './tool-query.ts';

const flagger = 'reporter="destination",destination_workload_namespace="shop",destination_workload=~"cart"';
const argo = 'reporter="source",destination_service=~"cart.shop.svc.cluster.local"';

/** Every query. */
export const canaryQueries: readonly ToolQuery[] = [
  {
    tool: 'Flagger',
    what: 'request-success-rate',
    text: over => `${successRate(over, flagger)} * 100`,
    by: [],
    rows: ({ pages, orders, missing, failed, visits }) => ({
      '': 100 * (1 - failed / (pages + orders + missing + failed + visits)),
    }),
  },
  {
    tool: 'Flagger',
    what: 'request-duration',
    text: over => quantile(over, 0.99, 'istio_request_duration_milliseconds', flagger),
    by: [],
    keys: [''],
  },
  {
    tool: 'Argo Rollouts',
    what: 'success-rate',
    text: over => successRate(over, argo),
    by: [],
    rows: ({ pages, orders, missing, failed }) => ({
      '': 1 - failed / (pages + orders + missing + failed),
    }),
  },
  {
    tool: 'Argo Rollouts',
    what: 'latency',
    text: over => quantile(over, 0.95, 'istio_request_duration_milliseconds', argo),
    by: [],
    keys: [''],
  },
];
