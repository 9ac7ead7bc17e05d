// What routes with a name carried between two scrapes, as their callers' proxies counted it.
import { parseHostPort } from '../../model/index.ts';
import type { MeshPod } from '../proxies/index.ts';
import { type Bucket, histogramQuantile } from '../stat/quantile.ts';
import { type Growth, growth, keyOf, type Scrapes } from '../stat/scrape.ts';

/** A row, as `-o json` prints it. What there is no figure for, because nothing came, is left out. */
export interface RouteTraffic {
  /** As the object names it. */
  readonly route: string;
  /** The host. */
  readonly service: string;
  /** Proxies that it was counted by. */
  readonly proxies: number;
  /** Requests as callers saw them: one, however often it was tried. */
  readonly requestsPerSecond: number;
  /** 0 to 1; response classes of the route tell success from failure. */
  readonly successRate?: number;
  /** Tries, retries among them: what was really sent. */
  readonly triesPerSecond: number;
  /** 0 to 1: of tries. */
  readonly triesSuccessRate?: number;
  readonly p50Ms?: number;
  readonly p95Ms?: number;
  readonly p99Ms?: number;
}

/** Everything that `weft routes` tells. */
export interface RouteTable {
  readonly rows: readonly RouteTraffic[];
  /** Pods without figures, and why. */
  readonly troubles: readonly { readonly pod: string; readonly message: string }[];
}

class Sum {
  readonly pods = new Set<string>();
  success = 0;
  failure = 0;
  tries = 0;
  readonly buckets = new Map<number, number>();

  add({ name, labels, rate }: Growth): void {
    if (name === 'weft_route_requests_total') {
      if (labels.classification === 'success') this.success += rate;
      else this.failure += rate;
    } else if (name === 'weft_route_tries_total') this.tries += rate;
    else {
      const le = labels.le === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels.le);
      this.buckets.set(le, (this.buckets.get(le) ?? 0) + rate);
    }
  }

  row(route: string, service: string): RouteTraffic {
    const requests = this.success + this.failure;
    const buckets: Bucket[] = [...this.buckets].map(([le, count]) => ({ le, count }));
    const [p50Ms, p95Ms, p99Ms] = [0.5, 0.95, 0.99].map(q => histogramQuantile(q, buckets));
    return {
      ...{ route, service, proxies: this.pods.size },
      ...{ requestsPerSecond: requests, triesPerSecond: this.tries },
      ...(requests > 0 && { successRate: this.success / requests }),
      // Of the tries of a request that succeeded one did; at the edges of the window a try and its request may part.
      ...(this.tries > 0 && { triesSuccessRate: Math.min(1, this.success / this.tries) }),
      ...(Number.isFinite(p50Ms) && { p50Ms: p50Ms!, p95Ms: p95Ms!, p99Ms: p99Ms! }),
    };
  }
}

/** The rows, by host and route. `service`: only hosts of that name; undefined for all. */
export function routesOf(
  service: string | undefined,
  pods: readonly MeshPod[],
  before: Scrapes,
  after: Scrapes,
): RouteTable {
  const sums = new Map<string, { readonly route: string; readonly host: string; readonly sum: Sum }>();
  const troubles: { pod: string; message: string }[] = [];
  for (const pod of pods) {
    const key = keyOf(pod);
    const grown = growth(before.get(key), after.get(key));
    if (typeof grown === 'string') {
      troubles.push({ pod: key, message: grown });
      continue;
    }
    for (const each of grown) {
      const { dst: host = '', rt_route: route = '' } = each.labels;
      if (!each.name.startsWith('weft_route_') || !isMeant(host, service)) continue;
      const id = JSON.stringify([host, route]);
      const found = sums.get(id) ?? { route, host, sum: new Sum() };
      sums.set(id, found);
      found.sum.pods.add(key);
      found.sum.add(each);
    }
  }
  const rows = [...sums]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { route, host, sum }]) => sum.row(route, host));
  return { rows, troubles };
}

/** `web`, `web.shop`, `shop/web` and the whole host mean `web.shop.svc.cluster.local`. */
function isMeant(host: string, service: string | undefined): boolean {
  if (service === undefined) return true;
  const [first, second] = service.split('/');
  const wanted = second === undefined ? first! : `${second}.${first}`;
  const name = parseHostPort(host, 0)?.host ?? host;
  return name === wanted || name.startsWith(`${wanted}.`);
}
