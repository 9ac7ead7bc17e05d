// Clusters without sockets: connections open when the test says so, time stands still until it is moved.

import type { Flag } from '../../errors/index.ts';
import type { ClientCodec } from '../../http/index.ts';
import { DEFAULT_LIMITS, http1Client } from '../../http1/index.ts';
import { MemoryPeer } from '../../http1/testing/memory-wire.ts';
import {
  type ClusterConfig,
  type ClusterEndpoint,
  DEFAULT_TRAFFIC,
  type EndpointsResource,
  type OutlierSettings,
  type TrafficSettings,
} from '../../model/index.ts';
import { PeerRequests, RequestMetrics, silentLog, UNKNOWN_PEER } from '../../telemetry/index.ts';
import { FakeClock, TimerWheel } from '../../time/index.ts';
import type { Wire } from '../../wire/index.ts';
import type { Random } from '../balancer.ts';
import type { Carriage } from '../carriage.ts';
import type { UpstreamDialer } from '../dials.ts';
import { type ClusterHost, RunningCluster } from '../running-cluster.ts';
import { StreamsPeer } from './streams-codec.ts';

/** A dial that the test decides. */
export interface TestDial {
  readonly endpoint: ClusterEndpoint;
  readonly exclusive: boolean;
  /** Connects, and HTTP/1 is spoken; returns the far end. */
  open(): MemoryPeer;
  /** Connects, and something is spoken that carries so many streams at once; returns the far end. */
  share(limit?: number): StreamsPeer;
  fail(flag?: Flag, detail?: string): void;
  readonly cancelled: boolean;
}

/** A host for clusters whose connections are made by hand. */
export class TestClusterHost implements ClusterHost {
  readonly clock = new FakeClock();
  readonly timers = new TimerWheel(this.clock);
  readonly log = silentLog;
  readonly random: Random;
  /** What is known of endpoints when connections to them are opened. */
  multiplexes: UpstreamDialer['multiplexes'] = 'never';
  carriage: Carriage = 'http2';
  readonly codec = http1Client({ limits: DEFAULT_LIMITS, timers: this.timers });
  readonly staleAfterMs: number | undefined;
  readonly requests = new RequestMetrics();
  /** Dials that nobody has decided. */
  readonly dials: TestDial[] = [];
  /** Far ends of connections that carry many streams. */
  readonly shared: StreamsPeer[] = [];

  constructor(random: Random, staleAfterMs?: number) {
    this.random = random;
    this.staleAfterMs = staleAfterMs;
  }

  readonly dialer: ClusterHost['dialer'] = (_cluster, endpoint) => {
    const host = this;
    return {
      multiplexes: this.multiplexes,
      get carriage() {
        return host.carriage;
      },
      open: (exclusive, onOpen, onError) => this.#dial(endpoint, exclusive, onOpen, onError),
    };
  };

  metrics(_cluster: RunningCluster, endpoint: ClusterEndpoint): PeerRequests {
    const service = { host: 'a', name: 'a', namespace: 'default' };
    return new PeerRequests(this.requests, {
      reporter: 'source',
      source: UNKNOWN_PEER,
      destination: endpoint.peer,
      service,
      protocol: 'http',
      mutualTls: false,
    });
  }

  #dial(
    endpoint: ClusterEndpoint,
    exclusive: boolean,
    onOpen: (wire: Wire, codec: ClientCodec<Wire>) => void,
    onError: (flag: Flag, detail: string) => void,
  ): { cancel(): void } {
    let cancelled = false;
    const take = (): void => {
      const at = this.dials.indexOf(dial);
      if (at < 0) throw new Error('this dial is decided already');
      this.dials.splice(at, 1);
    };
    const dial: TestDial = {
      endpoint,
      exclusive,
      open: () => {
        take();
        const peer = new MemoryPeer();
        onOpen(peer.wire, this.codec);
        return peer;
      },
      share: (limit = 100) => {
        take();
        const peer = new StreamsPeer(limit);
        this.shared.push(peer);
        onOpen(peer.bytes.wire, peer);
        return peer;
      },
      fail(flag = 'UF', detail = 'refused') {
        take();
        onError(flag, detail);
      },
      get cancelled() {
        return cancelled;
      },
    };
    this.dials.push(dial);
    return {
      cancel() {
        cancelled = true;
        take();
      },
    };
  }
}

/** `10.0.0.<n>:80`, a plaintext pod. */
export function endpoint(n: number, peer: Partial<ClusterEndpoint['peer']> = {}): ClusterEndpoint {
  return {
    address: `10.0.0.${n}`,
    port: 80,
    tls: 'plaintext',
    peer: {
      workload: 'a',
      namespace: 'default',
      app: 'a',
      version: 'v1',
      principal: '',
      pod: `a-${n}`,
      ...peer,
    },
  };
}

/** The endpoints `10.0.0.1` to `10.0.0.<n>`, or the given ones. */
export function endpoints(which: number | readonly ClusterEndpoint[], key = 'a:80'): EndpointsResource {
  const list = typeof which === 'number' ? Array.from({ length: which }, (_, i) => endpoint(i + 1)) : which;
  return { kind: 'endpoints', key, endpoints: list, total: list.length };
}

/** The configuration of cluster `a:80` with some settings of its own. */
export function config(
  settings: Partial<Omit<TrafficSettings, 'outlier'>> & { outlier?: Partial<OutlierSettings> } = {},
  name = 'a:80',
): ClusterConfig {
  return {
    name,
    service: { host: 'a', name: 'a', namespace: 'default' },
    settings: {
      ...DEFAULT_TRAFFIC,
      ...settings,
      outlier: { ...DEFAULT_TRAFFIC.outlier, ...settings.outlier },
    },
  };
}

/** A cluster of `n` endpoints. */
export function clusterOf(
  host: TestClusterHost,
  n: number,
  settings: Parameters<typeof config>[0] = {},
): RunningCluster {
  const cluster = new RunningCluster(config(settings), host);
  cluster.setEndpoints(endpoints(n));
  return cluster;
}
