// An exchange rig whose destination has routes and several clusters of one endpoint each.
import { RunningCluster } from '../../cluster/index.ts';
import { config, endpoint, endpoints } from '../../cluster/testing/clusters.ts';
import type { MemoryPeer } from '../../http1/testing/memory-wire.ts';
import {
  DEFAULT_RETRY,
  type DestinationResource,
  type Forward,
  type Route,
  type WeightedCluster,
} from '../../model/index.ts';
import { RouteMetrics } from '../../telemetry/index.ts';
import { RunningDestination } from '../destinations/destination.ts';
import { ExchangeRig, type RigClient, type RigOptions } from './exchange-rig.ts';

/** A route with what the test is about; everything else as nobody said anything. */
export type TestRoute = Partial<Route>;

/** Forwards to these clusters, evenly unless weights are given. */
export function forward(
  clusters: readonly (string | WeightedCluster)[],
  more: Partial<Omit<Forward, 'kind' | 'clusters'>> = {},
): Forward {
  const weighted = clusters.map(each => (typeof each === 'string' ? { cluster: each, weight: 1 } : each));
  return { kind: 'forward', clusters: weighted, ...more };
}

/** Clusters `a:80`, `b:80`, `c:80`, whose endpoint is 10.0.0.1, .2 and .3. */
export class RouteRig extends ExchangeRig {
  readonly clusters = new Map<string, RunningCluster>();
  readonly metrics = new RouteMetrics();

  constructor(routes: readonly TestRoute[], options: RigOptions = {}) {
    super(options);
    for (const [i, name] of ['a:80', 'b:80', 'c:80'].entries()) {
      const cluster = new RunningCluster(config(options.settings, name), this.host);
      cluster.setEndpoints(endpoints([endpoint(i + 1)], name));
      this.clusters.set(name, cluster);
    }
    this.use(routes);
  }

  /** Puts other routes to use. Throws what RunningDestination throws. */
  use(routes: readonly TestRoute[]): void {
    const resource: DestinationResource = {
      kind: 'destination',
      key: 'a:80',
      found: 'service',
      host: 'a.default',
      port: 80,
      protocol: 'http',
      routes: routes.map((route, i) => ({
        name: `route-${i}`,
        action: forward(['a:80']),
        timeoutMs: 0,
        idleTimeoutMs: 0,
        retry: DEFAULT_RETRY,
        ...route,
      })),
      tcp: [],
      clusters: [...this.clusters.values()].map(each => each.config),
    };
    const { random, clock } = this.host;
    const parts = {
      cluster: (name: string) => this.clusters.get(name)!,
      random,
      nowMs: clock.monotonic(),
      routeMetrics: this.metrics,
    };
    this.destination = new RunningDestination(resource, parts, this.destination);
  }

  /** Which endpoint the oldest undecided dial is for, as the last number of its address. */
  get dialled(): number[] {
    return this.host.dials.map(({ endpoint }) => Number(endpoint.address.split('.').at(-1)));
  }

  /** Sends a request on a client of its own, lets every dial open, and gives what its upstreams got, by endpoint. */
  async send(request: string, client: RigClient = this.client()): Promise<Record<number, MemoryPeer>> {
    client.peer.send(request);
    await this.settle();
    const opened: Record<number, MemoryPeer> = {};
    while (this.host.dials.length > 0) {
      const [number] = this.dialled;
      opened[number!] = this.host.dials[0]!.open();
    }
    await this.settle();
    return opened;
  }
}
