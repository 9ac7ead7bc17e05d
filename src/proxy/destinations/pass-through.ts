import { type ClusterHost, type Random, RunningCluster } from '../../cluster/index.ts';
import {
  type ClusterConfig,
  DEFAULT_RETRY,
  DEFAULT_TRAFFIC,
  type DestinationResource,
  type PathNormalization,
  type Protocol,
  parseHostPort,
} from '../../model/index.ts';
import { RunningDestination } from './destination.ts';

const maxKept = 256;

/**
 * Destinations that the mesh knows nothing of: the connection goes on to where the app wanted it to go, as opaque bytes. Also
 * what is used when discovery does not answer about what is no Service (see ServiceAddresses), so that a control plane that is
 * away cannot take traffic down.
 */
export class PassThrough {
  readonly #host: ClusterHost;
  readonly #random: Random;
  #pathNormalization: PathNormalization | undefined;
  readonly #kept = new Map<string, { destination: RunningDestination; cluster: RunningCluster }>();

  constructor(host: ClusterHost) {
    this.#host = host;
    this.#random = host.random ?? Math.random;
  }

  /** How paths are normalised here too: the mesh says it for what it does not know as for all else. */
  normalizePaths(mode: PathNormalization | undefined): void {
    if (mode === this.#pathNormalization) return;
    this.#pathNormalization = mode;
    for (const [name, { destination, cluster }] of this.#kept) {
      const { pathNormalization: _, ...rest } = destination.resource;
      this.#kept.set(name, { destination: this.#running(rest, cluster), cluster });
    }
  }

  /**
   * `key` is an address and port. `detect`: look for HTTP all the same, because the destination may well be a Service that
   * discovery has not told of yet.
   */
  destination(key: string, detect: boolean): RunningDestination {
    const name = `passthrough/${key}${detect ? '/unanswered' : ''}`;
    const known = this.#kept.get(name);
    if (known !== undefined) return known.destination;
    const made = this.#make(name, key, detect ? 'auto' : 'tcp');
    this.#kept.set(name, made);
    if (this.#kept.size > maxKept) this.#dropOldest();
    return made.destination;
  }

  /** For an address that must not be passed through; `why` is what its clients are told. */
  refusal(key: string, why: string): RunningDestination {
    const resource: DestinationResource = {
      kind: 'destination',
      key,
      found: 'service',
      host: key,
      port: parseHostPort(key)?.port ?? 0,
      protocol: 'auto',
      routes: [],
      tcp: [],
      clusters: [],
    };
    const cluster = (name: string): never => {
      throw new Error(`there is no cluster ${name}`);
    };
    const parts = { cluster, random: this.#random, nowMs: this.#host.clock.monotonic() };
    return RunningDestination.unusable(resource, why, parts);
  }

  get clusters(): RunningCluster[] {
    return [...this.#kept.values()].map(entry => entry.cluster);
  }

  close(): void {
    for (const { cluster } of this.#kept.values()) cluster.close();
    this.#kept.clear();
  }

  #make(
    name: string,
    key: string,
    protocol: Protocol,
  ): { destination: RunningDestination; cluster: RunningCluster } {
    const address = parseHostPort(key)!;
    const outlier = { ...DEFAULT_TRAFFIC.outlier, enabled: false };
    const config: ClusterConfig = {
      name,
      service: { host: 'PassthroughCluster', name: 'PassthroughCluster', namespace: '' },
      settings: { ...DEFAULT_TRAFFIC, outlier },
    };
    const cluster = new RunningCluster(config, this.#host);
    const peer = { workload: '', namespace: '', app: '', version: '', principal: '', pod: '' };
    const endpoint = { address: address.host, port: address.port, tls: 'plaintext' as const, peer };
    cluster.setEndpoints({ kind: 'endpoints', key: name, endpoints: [endpoint], total: 1 });
    const clusters = [{ cluster: name, weight: 1 }];
    const resource: DestinationResource = {
      kind: 'destination',
      key,
      found: 'unknown',
      host: key,
      port: address.port,
      protocol,
      routes: [
        {
          name: 'passthrough',
          action: { kind: 'forward', clusters },
          timeoutMs: 0,
          idleTimeoutMs: 0,
          retry: { ...DEFAULT_RETRY, attempts: 0 },
        },
      ],
      tcp: clusters,
      clusters: [config],
    };
    return { destination: this.#running(resource, cluster), cluster };
  }

  #running(resource: DestinationResource, cluster: RunningCluster): RunningDestination {
    const mode = this.#pathNormalization;
    const parts = { cluster: () => cluster, random: this.#random, nowMs: this.#host.clock.monotonic() };
    return new RunningDestination({ ...resource, ...(mode && { pathNormalization: mode }) }, parts);
  }

  /** The oldest that nothing uses. */
  #dropOldest(): void {
    for (const [name, { cluster }] of this.#kept) {
      if (cluster.occupancy.connections > 0 || cluster.occupancy.requests > 0) continue;
      cluster.close();
      this.#kept.delete(name);
      return;
    }
  }
}
