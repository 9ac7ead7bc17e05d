// What Istio's own dashboards for mesh, service and workload ask, for cart, storefront and stock of the shop.
import { type Facts, quantile, type Rows, successRate, sumBy, type ToolQuery } from './tool-query.ts';

const duration = 'istio_request_duration_milliseconds';
const requests = (selector: string): string => `istio_requests_total{${selector}}`;
const cart = 'destination_service=~"cart.shop.svc.cluster.local"';
const stock = 'destination_service=~"stock.shop.svc.cluster.local|stock-pods.shop.svc.cluster.local"';
const secure = 'connection_security_policy="mutual_tls"';
const plain = 'connection_security_policy!="mutual_tls"';
const sides = 'reporter=~"source|waypoint"';

const fromMesh = (facts: Facts): number =>
  5 * facts.pages + facts.orders + facts.missing + facts.failed + facts.reviews.v2;
const atCart = (facts: Facts): number =>
  facts.pages + facts.orders + facts.missing + facts.failed + facts.visits;
const callersOfCart = (facts: Facts): Rows => ({
  'loadgen shop 201': facts.orders,
  'loadgen shop 404': facts.missing,
  'loadgen shop 500': facts.failed,
  'storefront shop 200': facts.pages,
});
const workloads = ['storefront', 'catalog', 'offers', 'reviews-v1', 'reviews-v2', 'ratings', 'cart'];

const mesh: readonly ToolQuery[] = [
  {
    tool: 'Istio mesh',
    what: 'traffic volume',
    text: over => `round(sum(${over(requests(sides))}), 0.01)`,
    by: [],
    rows: facts => ({ '': fromMesh(facts) }),
  },
  {
    tool: 'Istio mesh',
    what: 'success rate',
    text: over => successRate(over, sides),
    by: [],
    rows: facts => ({ '': 1 - facts.failed / fromMesh(facts) }),
  },
  ...(['4', '5'] as const).map(
    (digit): ToolQuery => ({
      tool: 'Istio mesh',
      what: `${digit}xxs`,
      text: over =>
        `round(sum(${over(requests(`${sides},response_code=~"${digit}.."`))}), 0.01) or vector(0)`,
      by: [],
      rows: facts => ({ '': digit === '4' ? facts.missing : facts.failed }),
    }),
  ),
  {
    tool: 'Istio mesh',
    what: 'requests of each workload',
    text: over => {
      const by = ['destination_workload', 'destination_workload_namespace', 'destination_service'];
      const inner = sumBy(by, over(requests(sides)));
      return `label_join(${inner}, "destination_workload_var", ".", "destination_workload", "destination_workload_namespace")`;
    },
    by: ['destination_workload_var'],
    rows: facts => ({
      'storefront.shop': facts.pages,
      'catalog.shop': facts.pages,
      'offers.shop': facts.pages,
      'reviews-v1.shop': facts.reviews.v1,
      'reviews-v2.shop': facts.reviews.v2,
      'ratings.shop': facts.reviews.v2,
      'cart.shop': facts.pages + facts.orders + facts.missing + facts.failed,
    }),
  },
  ...[0.5, 0.9, 0.99].map(
    (of): ToolQuery => ({
      tool: 'Istio mesh',
      what: `p${of * 100} of each workload`,
      text: over =>
        quantile(over, of, duration, sides, ['destination_workload', 'destination_workload_namespace']),
      by: ['destination_workload'],
      keys: workloads,
    }),
  ),
  {
    tool: 'Istio mesh',
    what: 'success rate of each workload',
    text: over => successRate(over, sides, ['destination_workload', 'destination_workload_namespace']),
    by: ['destination_workload'],
    rows: facts => ({
      ...Object.fromEntries(workloads.map(name => [name, 1])),
      cart: 1 - facts.failed / (atCart(facts) - facts.visits),
    }),
  },
  ...['received', 'sent'].map(
    (way): ToolQuery => ({
      tool: 'Istio mesh',
      what: `TCP bytes ${way} of each workload`,
      text: over =>
        sumBy(
          ['destination_workload', 'destination_workload_namespace', 'destination_service'],
          over(`istio_tcp_${way}_bytes_total{${sides}}`),
        ),
      by: ['destination_workload'],
      keys: ['stock'],
    }),
  ),
  {
    tool: 'Istio mesh',
    what: 'versions',
    text: () => 'sum by (component, tag) (istio_build)',
    by: ['component'],
    rows: facts => ({ agent: facts.proxies, pilot: 1 }),
  },
];

const byCaller = ['source_workload', 'source_workload_namespace'];

const serviceOf = (qrep: 'source' | 'destination'): ToolQuery[] => {
  const of = `reporter=~"${qrep}",${cart}`;
  const visits = (facts: Facts): number => (qrep === 'destination' ? facts.visits : 0);
  const all = (facts: Facts): number => atCart(facts) - facts.visits + visits(facts);
  const query = (what: string, rest: Omit<ToolQuery, 'tool' | 'what'>): ToolQuery => ({
    tool: 'Istio service',
    what: `${what} (${qrep})`,
    ...rest,
  });
  return [
    query('request volume', {
      text: over => `round(sum(${over(requests(of))}), 0.001)`,
      by: [],
      rows: facts => ({ '': all(facts) }),
    }),
    query('success rate', {
      text: over => successRate(over, of),
      by: [],
      rows: facts => ({ '': 1 - facts.failed / all(facts) }),
    }),
    query('duration', { text: over => quantile(over, 0.99, duration, of), by: [], keys: [''] }),
    query('incoming requests over mutual TLS', {
      text: over =>
        `round(${sumBy([...byCaller, 'response_code'], over(requests(`${secure},${of}`)))}, 0.001)`,
      by: [...byCaller, 'response_code'],
      rows: callersOfCart,
    }),
    query('incoming success rate by source', {
      text: over => successRate(over, `${secure},${of}`, byCaller),
      by: byCaller,
      rows: facts => ({
        'loadgen shop': 1 - facts.failed / (facts.orders + facts.missing + facts.failed),
        'storefront shop': 1,
      }),
    }),
    ...[duration, 'istio_request_bytes', 'istio_response_bytes'].map(metric =>
      query(`${metric} by source`, {
        text: over => quantile(over, 0.95, metric, `${secure},${of}`, byCaller),
        by: byCaller,
        keys: ['loadgen shop', 'storefront shop'],
      }),
    ),
    ...['received', 'sent'].map(way =>
      query(`TCP bytes ${way} by source`, {
        text: over =>
          sumBy(byCaller, over(`istio_tcp_${way}_bytes_total{reporter=~"${qrep}",${secure},${stock}}`)),
        by: byCaller,
        keys: ['catalog shop'],
      }),
    ),
  ];
};

const service: readonly ToolQuery[] = [
  ...serviceOf('source'),
  ...serviceOf('destination'),
  {
    tool: 'Istio service',
    what: 'incoming requests without mutual TLS',
    text: over =>
      `round(${sumBy([...byCaller, 'response_code'], over(requests(`${plain},reporter="destination",${cart}`)))}, 0.001)`,
    by: [...byCaller, 'response_code'],
    rows: facts => ({ 'unknown unknown 200': facts.visits }),
  },
];

const cartWorkload = 'destination_workload_namespace=~"shop",destination_workload=~"cart"';
const storefront = 'source_workload_namespace=~"shop",source_workload=~"storefront"';
const known = 'destination_principal=~"spiffe.*"';
const service_ = (name: string): string => `${name}.shop.svc.cluster.local`;

const workload: readonly ToolQuery[] = [
  {
    tool: 'Istio workload',
    what: 'incoming request volume',
    text: over => `round(sum(${over(requests(`reporter=~"destination",${cartWorkload}`))}), 0.001)`,
    by: [],
    rows: facts => ({ '': atCart(facts) }),
  },
  {
    tool: 'Istio workload',
    what: 'incoming requests by source and code',
    text: over =>
      sumBy(
        [...byCaller, 'response_code'],
        over(requests(`${secure},reporter=~"destination",${cartWorkload}`)),
      ),
    by: [...byCaller, 'response_code'],
    rows: callersOfCart,
  },
  {
    tool: 'Istio workload',
    what: 'outgoing requests by destination and code',
    text: over =>
      sumBy(
        ['destination_service', 'response_code'],
        over(requests(`${known},${secure},reporter="source",${storefront}`)),
      ),
    by: ['destination_service', 'response_code'],
    rows: facts =>
      Object.fromEntries(['cart', 'catalog', 'reviews'].map(name => [`${service_(name)} 200`, facts.pages])),
  },
  {
    tool: 'Istio workload',
    what: 'outgoing success rate',
    text: over => successRate(over, `${secure},reporter="source",${storefront}`, ['destination_service']),
    by: ['destination_service'],
    rows: () => Object.fromEntries(['cart', 'catalog', 'reviews'].map(name => [service_(name), 1])),
  },
  ...[duration, 'istio_request_bytes', 'istio_response_bytes'].map(
    (metric): ToolQuery => ({
      tool: 'Istio workload',
      what: `outgoing ${metric}`,
      text: over =>
        quantile(over, 0.99, metric, `${secure},reporter="source",${storefront}`, ['destination_service']),
      by: ['destination_service'],
      keys: ['cart', 'catalog', 'reviews'].map(service_),
    }),
  ),
  ...['received', 'sent'].map(
    (way): ToolQuery => ({
      tool: 'Istio workload',
      what: `outgoing TCP bytes ${way}`,
      text: over =>
        sumBy(
          ['destination_workload'],
          over(`istio_tcp_${way}_bytes_total{reporter="source",${secure},source_workload=~"catalog"}`),
        ),
      by: ['destination_workload'],
      keys: ['stock'],
    }),
  ),
];

/** Every query of the three dashboards. */
export const istioQueries: readonly ToolQuery[] = [...mesh, ...service, ...workload];
