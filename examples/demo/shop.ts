// What the demo knows about the shop.
import { callJson } from './call.ts';
import type { PlanRequest } from './load-client.ts';
import type { DemoMesh, DemoPod } from './mesh.interface.ts';

/** Where the pods of the shop are. */
export const SHOP = 'shop';

/** Addresses that the load generator uses inside the mesh. */
export const URLS = {
  page: 'http://storefront/products/p{n}?user=ada',
  order: 'http://cart:8080/items',
  price: 'grpc://offers:9090/shop.Offers/Price?product=p{n}',
} as const;

/** The HTTP port of every service of the shop but stock. */
export const HTTP_PORT = 8080;

/** The workloads of the shop, in the order of a request. */
export const WORKLOADS = [
  'storefront',
  'catalog',
  'reviews-v1',
  'reviews-v2',
  'ratings',
  'cart',
  'offers',
  'stock',
] as const;

/** The services that take requests: all HTTP, but offers, which speaks gRPC. */
export const HTTP_SERVICES = ['storefront', 'catalog', 'reviews', 'ratings', 'cart', 'offers'] as const;

/** Pages at a steady rate with an order among `pagesPerOrder` of them. */
export function steadyLoad(ratePerSecond: number, pagesPerOrder = 9): PlanRequest {
  return {
    mode: 'open',
    ratePerSecond,
    targets: [
      { url: URLS.page, weight: pagesPerOrder },
      { url: URLS.order, method: 'POST', weight: 1 },
    ],
  };
}

/** The pods of one service of the shop. */
export async function podsOf(mesh: DemoMesh, app: string): Promise<DemoPod[]> {
  return (await mesh.pods()).filter(pod => pod.namespace === SHOP && pod.app === app);
}

/** The pods of one service, all ready; an Error when that does not come true within ten seconds. */
export async function readyPodsOf(mesh: DemoMesh, app: string): Promise<DemoPod[]> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    const pods = await podsOf(mesh, app);
    if (pods.length > 0 && pods.every(pod => pod.ready)) return pods;
    if (performance.now() > deadline) throw new Error(`not every pod of ${app} became ready within 10 s`);
    await new Promise(resolve => setTimeout(resolve, 150));
  }
}

/** What a service of the shop says about itself. */
export interface Stats {
  readonly served: number;
  readonly proxySettings: readonly string[];
}

/** Asks a pod directly; this request does not count as served. */
export function statsOf(mesh: DemoMesh, pod: DemoPod): Promise<Stats> {
  return callJson({ mesh, pod, port: HTTP_PORT, path: '/stats' });
}

/** Sets the fault switch of a pod (see examples/shop/fault.ts), or clears it. */
export async function setFault(mesh: DemoMesh, pod: DemoPod, fault: object | undefined): Promise<void> {
  const call = { mesh, pod, port: HTTP_PORT, path: '/fault' };
  await callJson(fault ? { ...call, method: 'POST', body: fault } : { ...call, method: 'DELETE' });
}

/** Order ids that the carts printed more than once, from the logs of these pods. */
export function repeatedOrders(logs: readonly string[]): string[] {
  const seen = new Set<string>();
  const repeated = new Set<string>();
  for (const log of logs) {
    for (const [, id] of log.matchAll(/\border (\S+)/g)) {
      if (seen.has(id!)) repeated.add(id!);
      seen.add(id!);
    }
  }
  return [...repeated];
}
