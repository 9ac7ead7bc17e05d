// Exchanges between wires in memory, on a clock that the test turns: every segmentation, stall and failure happens when the test
// says.
import { RunningCluster, type UpstreamDialer } from '../../cluster/index.ts';
import { config, endpoints, TestClusterHost } from '../../cluster/testing/clusters.ts';
import type { Flag } from '../../errors/index.ts';
import { MemoryPeer } from '../../http1/testing/memory-wire.ts';
import { DEFAULT_RETRY, type DestinationResource, type RetryPolicy, type Route } from '../../model/index.ts';
import { type AccessRecord, PeerRequests, UNKNOWN_PEER } from '../../telemetry/index.ts';
import { MeshTls } from '../../tls/index.ts';
import { DataPlane } from '../data-plane.ts';
import { RunningDestination } from '../destinations/destination.ts';
import type { ExchangeHost, TargetWaiter } from '../exchange/exchange-host.ts';
import type { RequestFilter } from '../filters/filter.interface.ts';
import type { Services } from '../services/services.ts';
import { INBOUND_TRUST, OUTBOUND_TRUST, type Trust } from '../services/trust.ts';
import { Http1Serving } from '../serving/http1-serving.ts';
import { KeptAccessLog, KeptLog } from './static-mesh.ts';

/** What may differ between exchanges. */
export interface RigOptions {
  readonly random?: () => number;
  readonly endpoints?: number;
  /** How connections to upstreams carry streams; `never`: HTTP/1 alone. */
  readonly multiplexes?: UpstreamDialer['multiplexes'];
  readonly settings?: Parameters<typeof config>[0];
  readonly retry?: Partial<RetryPolicy>;
  readonly route?: Partial<Pick<Route, 'timeoutMs' | 'idleTimeoutMs'>>;
  readonly direction?: 'inbound' | 'outbound';
  /** That of the direction unless told. */
  readonly trust?: Trust;
  /** Those of the listener. */
  readonly filters?: readonly RequestFilter[];
}

/** A client's connection and what it hears. */
export interface RigClient {
  readonly peer: MemoryPeer;
  readonly id: string;
  readonly serving: Http1Serving;
  closed: boolean;
}

/** One cluster, any number of clients. */
export class ExchangeRig {
  readonly host: TestClusterHost;
  readonly cluster: RunningCluster;
  readonly services: Services;
  readonly access = new KeptAccessLog();
  readonly log = new KeptLog();
  /** Clients whose requests wait for their target. */
  readonly waiting: TargetWaiter[] = [];
  targets: 'known' | 'late' = 'known';
  /** Requests so far. */
  asked = 0;
  destination: RunningDestination;
  readonly #direction: 'inbound' | 'outbound';
  readonly #trust: Trust;
  readonly #filters: readonly RequestFilter[];
  #clients = 0;

  constructor(options: RigOptions = {}) {
    this.#direction = options.direction ?? 'outbound';
    this.#trust = options.trust ?? (this.#direction === 'inbound' ? INBOUND_TRUST : OUTBOUND_TRUST);
    this.#filters = options.filters ?? [];
    this.host = new TestClusterHost(options.random ?? (() => 0), 300);
    this.host.multiplexes = options.multiplexes ?? 'never';
    this.cluster = new RunningCluster(config(options.settings), this.host);
    this.cluster.setEndpoints(endpoints(options.endpoints ?? 1));
    this.destination = this.route(options.retry, options.route);
    const plane = new DataPlane({
      clock: this.host.clock,
      log: this.log,
      accessLog: this.access,
      tls: new MeshTls(),
      source: { want() {}, forget() {} },
      outbound: { hosts: [], port: 0 },
      inbound: { hosts: [], port: 0 },
      redirected: false,
      address: '127.0.0.1',
      mtlsUntilKnown: 'strict',
    });
    const { random, requests, timers } = this.host;
    this.services = { ...plane.services, random, requests, timers };
  }

  /** A destination with one route to the cluster. */
  route(
    retry: Partial<RetryPolicy> = {},
    route: Partial<Pick<Route, 'timeoutMs' | 'idleTimeoutMs'>> = {},
  ): RunningDestination {
    const clusters = [{ cluster: 'a:80', weight: 1 }];
    const resource: DestinationResource = {
      kind: 'destination',
      key: 'a:80',
      found: 'service',
      host: 'a',
      port: 80,
      protocol: 'http',
      routes: [
        {
          name: 'default',
          action: { kind: 'forward', clusters },
          timeoutMs: 0,
          idleTimeoutMs: 0,
          ...route,
          retry: { ...DEFAULT_RETRY, ...retry },
        },
      ],
      tcp: clusters,
      clusters: [this.cluster.config],
    };
    const { random, clock } = this.host;
    return new RunningDestination(resource, {
      cluster: () => this.cluster,
      random,
      nowMs: clock.monotonic(),
    });
  }

  /** A new client connection. */
  client(): RigClient {
    const peer = new MemoryPeer();
    const id = `client-${this.#clients++}`;
    const serving = new Http1Serving(this.services, this.#hostOf(id), peer.wire, this.services.http1, () => {
      client.closed = true;
    });
    const client: RigClient = { peer, id, serving, closed: false };
    serving.start(undefined);
    return client;
  }

  /** The records of one client, or all. */
  records(client?: RigClient): AccessRecord[] {
    return this.access.records.filter(record => client === undefined || record.downstream === client.id);
  }

  /** `status flag` of each record. */
  outcomes(client?: RigClient): string[] {
    return this.records(client).map(({ status, flag }) => `${status}${flag === '' ? '' : ` ${flag}`}`);
  }

  /** `status flag` of each series and how often it counted. */
  counted(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { labels, requests } of this.host.requests.values()) {
      const [, status, flag] = /response_code="(\d+)",response_flags="([^"]*)"/.exec(labels)!;
      const key = flag === '-' ? status! : `${status} ${flag}`;
      counts[key] = (counts[key] ?? 0) + requests;
    }
    return counts;
  }

  /** Everything that must be nothing when no exchange is under way. */
  get open(): { exchanges: number; tunnels: number; requests: number; waiting: number; active: number } {
    const active = [...this.cluster.endpoints].reduce((sum, endpoint) => sum + endpoint.active, 0);
    const { requests, waiting } = this.cluster.occupancy;
    return { exchanges: this.services.active, tunnels: this.services.tunnels, requests, waiting, active };
  }

  /** Lets what was written outside of an event leave, without moving the clock. */
  async settle(): Promise<void> {
    await new Promise(resolve => setImmediate(resolve));
    await new Promise(resolve => setImmediate(resolve));
  }

  /** Opens the oldest dial and lets the request arrive. */
  async upstream(): Promise<MemoryPeer> {
    const peer = this.host.dials[0]!.open();
    await this.settle();
    return peer;
  }

  /** Moves the clock on. */
  async advance(byMs: number): Promise<void> {
    await this.host.clock.advance(byMs);
    await this.settle();
  }

  #hostOf(id: string): ExchangeHost {
    const rig = this;
    const none = new PeerRequests(this.host.requests, {
      reporter: 'source',
      source: UNKNOWN_PEER,
      destination: UNKNOWN_PEER,
      service: { host: '', name: '', namespace: '' },
      protocol: 'http',
      mutualTls: false,
    });
    return {
      direction: this.#direction,
      terms: { trust: this.#trust, filters: this.#filters },
      downstream: id,
      principal: '',
      address: '127.0.0.1',
      mutualTls: false,
      serverName: '',
      target(_head, waiter) {
        rig.asked++;
        if (rig.targets === 'known') return rig.destination;
        rig.waiting.push(waiter);
        return undefined;
      },
      prepare() {},
      metrics: endpoint => endpoint?.metrics ?? none,
    };
  }
}

/** Tells the first that waits. */
export function tell(
  rig: ExchangeRig,
  target: RunningDestination | undefined,
  flag: Flag = 'NR',
  detail = '',
): void {
  rig.waiting.shift()!.onTarget(target, flag, detail);
}

export const GET = 'GET /a HTTP/1.1\r\nhost: a\r\n\r\n';
export const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

/** A POST with a body. */
export function post(body: string): string {
  return `POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}
