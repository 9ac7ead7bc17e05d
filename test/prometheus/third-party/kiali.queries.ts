// What Kiali asks for its graph, its health and its metrics pages.
import { quantile, sumBy, type ToolQuery } from './tool-query.ts';

/** Kiali groups every graph query by these, and drops a row that lacks one of them. */
export const graphLabels: readonly string[] = [
  'source_cluster',
  'source_workload_namespace',
  'source_workload',
  'source_canonical_service',
  'source_canonical_revision',
  'destination_cluster',
  'destination_service_namespace',
  'destination_service',
  'destination_service_name',
  'destination_workload_namespace',
  'destination_workload',
  'destination_canonical_service',
  'destination_canonical_revision',
];
const http = [...graphLabels, 'request_protocol', 'response_code', 'grpc_response_status', 'response_flags'];
const edge = ['source_workload', 'destination_workload', 'response_code'];
const kiali = (what: string, rest: Omit<ToolQuery, 'tool' | 'what'>): ToolQuery => ({
  tool: 'Kiali',
  what,
  ...rest,
});
const requests = (selector: string): string => `istio_requests_total{${selector}}`;
const shop = 'destination_cluster=~"Kubernetes|unknown"';

/** Every query. */
export const kialiQueries: readonly ToolQuery[] = [
  kiali('graph: traffic into the namespace, at its destination', {
    text: over =>
      `${sumBy(http, over(requests('reporter=~"destination|waypoint",destination_workload_namespace="shop"')))} > 0`,
    by: edge,
    rows: facts => ({
      'loadgen storefront 200': facts.pages,
      'storefront catalog 200': facts.pages,
      'catalog offers 200': facts.pages,
      'storefront cart 200': facts.pages,
      'storefront reviews-v1 200': facts.reviews.v1,
      'storefront reviews-v2 200': facts.reviews.v2,
      'reviews-v2 ratings 200': facts.reviews.v2,
      'loadgen cart 201': facts.orders,
      'loadgen cart 404': facts.missing,
      'loadgen cart 500': facts.failed,
      'unknown cart 200': facts.visits,
    }),
  }),
  kiali('graph: traffic out of the namespace, at its source', {
    text: over => `${sumBy(http, over(requests('reporter="source",source_workload_namespace="shop"')))} > 0`,
    by: edge,
    rows: facts => ({
      'loadgen storefront 200': facts.pages,
      'storefront catalog 200': facts.pages,
      'catalog offers 200': facts.pages,
      'storefront cart 200': facts.pages,
      'storefront reviews-v1 200': facts.reviews.v1,
      'storefront reviews-v2 200': facts.reviews.v2,
      'reviews-v2 ratings 200': facts.reviews.v2,
      'loadgen cart 201': facts.orders,
      'loadgen cart 404': facts.missing,
      'loadgen cart 500': facts.failed,
    }),
  }),
  ...['sent', 'received'].map(way =>
    kiali(`graph: TCP bytes ${way}`, {
      text: over =>
        `${sumBy([...graphLabels, 'response_flags'], over(`istio_tcp_${way}_bytes_total{reporter="source",source_workload_namespace="shop",app!="ztunnel"}`))} > 0`,
      by: ['source_workload', 'destination_workload'],
      keys: ['catalog stock'],
    }),
  ),
  kiali('graph: locks, from who is who', {
    text: over =>
      `${sumBy([...graphLabels, 'source_principal', 'destination_principal', 'connection_security_policy'], over(requests('reporter="destination",destination_service_namespace="shop"')))} > 0`,
    by: ['source_workload', 'source_principal', 'destination_principal', 'connection_security_policy'],
    rows: facts => {
      const of = (name: string): string => `spiffe://cluster.local/ns/shop/sa/${name}`;
      const lock = (from: string, to: string): string =>
        `${from} ${of(from.split('-v')[0]!)} ${of(to)} mutual_tls`;
      return {
        [lock('loadgen', 'storefront')]: facts.pages,
        [lock('loadgen', 'cart')]: facts.orders + facts.missing + facts.failed,
        [lock('storefront', 'catalog')]: facts.pages,
        [lock('catalog', 'offers')]: facts.pages,
        [lock('storefront', 'cart')]: facts.pages,
        [lock('storefront', 'reviews')]: facts.pages,
        [lock('reviews-v2', 'ratings')]: facts.reviews.v2,
        'unknown unknown unknown none': facts.visits,
      };
    },
  }),
  kiali('graph: response times', {
    text: over =>
      `${quantile(over, 0.95, 'istio_request_duration_milliseconds', 'reporter="destination",destination_service_namespace="shop"', graphLabels)} > 0`,
    by: ['destination_workload'],
    keys: ['storefront', 'catalog', 'offers', 'reviews-v1', 'reviews-v2', 'ratings', 'cart'],
  }),
  kiali('graph: throughput', {
    text: over =>
      `${sumBy(graphLabels, over('istio_response_bytes_sum{reporter="destination",destination_service_namespace="shop"}'))} > 0`,
    by: ['destination_workload'],
    keys: ['storefront', 'catalog', 'offers', 'reviews-v1', 'reviews-v2', 'ratings', 'cart'],
  }),
  kiali('health of Services', {
    text: over => `${over(requests(`reporter="source",destination_service_namespace="shop",${shop}`))} > 0`,
    by: ['destination_service_name'],
    rows: facts => ({
      storefront: facts.pages,
      catalog: facts.pages,
      offers: facts.pages,
      reviews: facts.pages,
      ratings: facts.reviews.v2,
      cart: facts.pages + facts.orders + facts.missing + facts.failed,
    }),
  }),
  kiali('health of a workload, what it takes in', {
    text: over =>
      `${over(requests(`reporter="destination",destination_workload_namespace="shop",destination_workload="cart",${shop}`))} > 0`,
    by: ['response_code'],
    rows: facts => ({
      200: facts.pages + facts.visits,
      201: facts.orders,
      404: facts.missing,
      500: facts.failed,
    }),
  }),
  kiali('health of a workload, what it sends', {
    text: over =>
      `${over(requests('reporter="source",source_workload_namespace="shop",source_workload="storefront",source_cluster=~"Kubernetes|unknown"'))} > 0`,
    by: ['destination_canonical_service'],
    rows: facts => ({ catalog: facts.pages, cart: facts.pages, reviews: facts.pages }),
  }),
  kiali('metrics: requests by version and code', {
    text: over =>
      sumBy(
        ['destination_canonical_revision', 'response_code'],
        over(
          requests(
            'reporter="destination",destination_canonical_service="reviews",destination_workload_namespace="shop"',
          ),
        ),
      ),
    by: ['destination_canonical_revision', 'response_code'],
    rows: facts => ({ 'v1 200': facts.reviews.v1, 'v2 200': facts.reviews.v2 }),
  }),
  kiali('metrics: average duration', {
    text: over => {
      const of =
        '{reporter="destination",destination_service_name="cart",destination_service_namespace="shop"}';
      const metric = 'istio_request_duration_milliseconds';
      return `sum(${over(`${metric}_sum${of}`)}) / sum(${over(`${metric}_count${of}`)})`;
    },
    by: [],
    keys: [''],
  }),
  kiali('metrics: TCP connections opened', {
    text: over =>
      sumBy(
        ['source_workload'],
        over('istio_tcp_connections_opened_total{reporter="destination",destination_workload="stock"}'),
      ),
    by: ['source_workload'],
    keys: ['catalog'],
    mayRest: true,
  }),
];
