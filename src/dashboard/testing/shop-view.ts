import type { PageEdge, PageMesh, PagePolicy, PageService, PageWorkload, Signals } from '../contract.ts';

/** A made-up moment; nothing is older or newer. */
export const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5);

interface Maker {
  readonly name: string;
  readonly versions?: readonly string[];
  readonly replicas?: number;
  readonly namespace?: string;
  readonly meshed?: boolean;
}

/** A workload with pods, one of each version unless told. */
export function workload({
  name,
  versions = ['v1'],
  replicas = 2,
  namespace = 'shop',
  meshed = true,
}: Maker): PageWorkload {
  const pods = versions.flatMap((version, at) =>
    Array.from({ length: replicas }, (_, index) => ({
      key: `${namespace}/${name}-${version}-${index}`,
      name: `${name}-${version}-${index}`,
      version,
      ready: true,
      meshed,
      addresses: [`10.1.${at}.${index + 1}`],
      node: 'node-1',
    })),
  );
  return {
    key: `${namespace}/${name}`,
    namespace,
    name,
    kind: 'Deployment',
    app: name,
    versions,
    serviceAccount: name,
    pods,
    services: [`${namespace}/${name}`],
    ...(meshed && { mtls: 'permissive' as const }),
  };
}

/** The Service of a workload's name. */
export function service(of: PageWorkload, routes: PageService['routes'] = []): PageService {
  const all = of.pods.length;
  return {
    key: of.key,
    namespace: of.namespace,
    name: of.name,
    host: `${of.name}.${of.namespace}.svc.cluster.local`,
    external: false,
    ports: [{ number: 80, name: 'http', protocol: 'http' }],
    endpoints: { ready: of.pods.filter(each => each.ready).length, all },
    workloads: [of.key],
    routes,
    problems: [],
  };
}

/** Someone calls someone. */
export function edge(from: string, to: string, more: Partial<PageEdge> = {}): PageEdge {
  const signals: Signals = { rps: 12, errors: 0, p50: 2.1, p90: 8.7, p99: 23 };
  return {
    from,
    to,
    toVersion: 'v1',
    service: to,
    protocol: 'http',
    mtls: 1,
    sent: 1_200,
    received: 48_000,
    connections: 0,
    opened: 0,
    flags: {},
    ...signals,
    ...more,
  };
}

const broken: PagePolicy = {
  kind: 'VirtualService',
  group: 'networking.istio.io/v1',
  namespace: 'shop',
  name: 'catalog',
  origin: 'shop/routes.yaml:31',
  standing: 'error',
  problems: [
    {
      severity: 'error',
      code: 'subset-undefined',
      path: 'spec.http[0].route[1].destination.subset',
      message: 'no DestinationRule defines the subset v9 of catalog.shop; define it, or name another subset',
    },
  ],
};

/** The shop of the demo: a storefront that calls others, two versions of reviews at 90 to 10, a database without HTTP. */
export function shopView(): PageMesh {
  const names: Maker[] = [
    { name: 'loadgen', replicas: 1 },
    { name: 'storefront' },
    { name: 'cart' },
    { name: 'catalog' },
    { name: 'reviews', versions: ['v1', 'v2'], replicas: 1 },
    { name: 'ratings', replicas: 1 },
    { name: 'stock', replicas: 1 },
    { name: 'reports', namespace: 'back-office', replicas: 1, meshed: false },
  ];
  const workloads = names.map(workload);
  const from = { kind: 'VirtualService', namespace: 'shop', name: 'reviews', origin: 'shop/routes.yaml:4' };
  const split: PageService['routes'] = [
    {
      name: 'canary',
      from,
      path: 'spec.http[0]',
      matches: [],
      settings: ['timeout 2 s', '2 retries'],
      targets: [
        {
          host: 'reviews.shop',
          subset: 'v1',
          share: 0.9,
          workloads: [{ key: 'shop/reviews', version: 'v1' }],
        },
        {
          host: 'reviews.shop',
          subset: 'v2',
          share: 0.1,
          workloads: [{ key: 'shop/reviews', version: 'v2' }],
        },
      ],
    },
  ];
  const mode: PagePolicy = {
    kind: 'PeerAuthentication',
    group: 'security.istio.io/v1',
    namespace: 'shop',
    name: 'default',
    origin: 'shop/policies.yaml:1',
    standing: 'ok',
    problems: [],
  };
  const pods = workloads.flatMap(each => each.pods).filter(each => each.meshed);
  return {
    place: { kind: 'sandbox', name: 'shop', weft: '0.1.0' },
    namespaces: [
      { name: 'back-office', workloads: 1, pods: 1, meshedPods: 0 },
      { name: 'shop', workloads: 7, pods: pods.length, meshedPods: pods.length },
    ],
    workloads,
    services: workloads.map(each => service(each, each.name === 'reviews' ? split : [])),
    policies: [
      { ...mode },
      { ...broken },
      { ...from, group: 'networking.istio.io/v1', standing: 'ok', problems: [] },
    ],
    controlPlane: {
      proxies: pods.map(({ key }, at) => ({
        pod: key,
        version: '0.1.0',
        principal: `spiffe://cluster.local/ns/shop/sa/${key.split('/')[1]}`,
        connectedAtMs: NOW_MS - 60_000 * (at + 1),
        destinations: 3 + (at % 4),
        outstanding: 0,
        refused: [],
      })),
      proxyCount: pods.length,
      certificates: [{ name: 'root', notAfterMs: Date.UTC(2036, 0, 1) }],
      problems: broken.problems.map(each => ({ ...each, object: broken })),
      objects: { Pod: 12, Service: 8, VirtualService: 2, PeerAuthentication: 1 },
    },
    grouped: false,
  };
}

/** Who calls whom in the shop: ratings fail, reports speaks plaintext, stock is TCP. */
export function shopEdges(): readonly PageEdge[] {
  return [
    edge('shop/loadgen', 'shop/storefront', { rps: 64.2, errors: 0.4 }),
    edge('shop/storefront', 'shop/cart', { rps: 21.3 }),
    edge('shop/storefront', 'shop/catalog', { rps: 42.8, p99: 41 }),
    edge('shop/storefront', 'shop/reviews', { rps: 38.1, p99: 187 }),
    edge('shop/storefront', 'shop/reviews', { rps: 4.4, toVersion: 'v2', p99: 210 }),
    edge('shop/reviews', 'shop/ratings', { rps: 42, errors: 5.2, p99: 512, flags: { UF: 3.1, UT: 2.1 } }),
    edge('shop/cart', 'shop/stock', {
      protocol: 'tcp',
      rps: 0,
      connections: 4,
      opened: 0.2,
      sent: 5_100,
      received: 9_000,
    }),
    edge('back-office/reports', 'shop/catalog', { rps: 1.2, mtls: 0 }),
  ];
}
