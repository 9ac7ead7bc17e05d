import { requestHead } from '../../http1/testing/heads.ts';
import { type ClusterConfig, type ClusterEndpoint, DEFAULT_TRAFFIC, type Peer } from '../../model/index.ts';
import type { Span, SpanSource } from '../span.ts';
import type { TracedRequest } from '../traced-request.ts';

/** A workload of the namespace `shop`. */
export function peer(app: string): Peer {
  const principal = `spiffe://cluster.local/ns/shop/sa/${app}`;
  return { workload: `${app}-v1`, namespace: 'shop', app, version: 'v1', principal, pod: `${app}-v1-0` };
}

/** What may be otherwise about a request. */
export type RequestParts = Partial<{ -readonly [K in keyof TracedRequest]: TracedRequest[K] }> & {
  /** Header lines beside Host. */
  readonly lines?: readonly string[];
  readonly target?: string;
  readonly method?: string;
};

/** A request from `cart` to `prices`, seen by one of the two. It can be changed as an exchange's view changes. */
export function tracedRequest(direction: 'inbound' | 'outbound', parts: RequestParts = {}): TracedRequest {
  const { lines = [], target = '/prices/7?token=secret', method = 'GET', ...rest } = parts;
  const host = 'prices.shop.svc.cluster.local';
  const service = { host, name: 'prices', namespace: 'shop' };
  const name = direction === 'inbound' ? 'inbound/10.0.0.9:8080' : `${host}:80/v1`;
  const config: ClusterConfig = { name, service, servicePort: 80, settings: DEFAULT_TRAFFIC };
  const endpoint: ClusterEndpoint = { address: '10.0.0.9', port: 8080, tls: 'mesh', peer: peer('prices') };
  const extra = lines.map(line => `${line}\r\n`).join('');
  return {
    direction,
    downstream: '10.0.0.1:41234',
    principal: direction === 'inbound' ? peer('cart').principal : '',
    head: requestHead(
      `${method} ${target} HTTP/1.1\r\nHost: prices.shop:80\r\nUser-Agent: test/1\r\n${extra}\r\n`,
    ),
    id: 'f00d',
    destination: { host, port: direction === 'inbound' ? 8080 : 80 },
    route: undefined,
    cluster: { config },
    endpoint: { config: endpoint },
    startMs: 100,
    endMs: 112.5,
    tries: [],
    attempts: 1,
    status: 200,
    grpcStatus: -1,
    flag: '',
    detail: '',
    receivedBytes: 0,
    sentBytes: 2,
    series: undefined,
    ...rest,
  };
}

/** A span with an id of its own. */
export function spanOf(number: number, parts: Partial<Span> = {}): Span {
  return {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: number.toString(16).padStart(16, '0'),
    parentId: '',
    flags: 1,
    traceState: '',
    kind: 'client',
    name: 'prices.shop.svc.cluster.local:80/*',
    startMs: 1_700_000_000_123.25,
    durationMs: 12.5,
    attributes: { 'http.request.method': 'GET', 'http.response.status_code': 200 },
    events: [],
    error: '',
    remote: { service: 'prices.shop', address: '10.0.0.9', port: 8080 },
    ...parts,
  };
}

export const SOURCE: SpanSource = {
  service: 'cart.shop',
  address: '10.0.0.1',
  attributes: { 'k8s.pod.name': 'cart-v1-0' },
};
