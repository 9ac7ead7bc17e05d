import type { ClusterHost, RunningCluster, UpstreamDialer } from '../cluster/index.ts';
import type { ClusterEndpoint } from '../model/index.ts';
import { PeerRequests } from '../telemetry/index.ts';
import { outboundLabels } from './accept/outbound-metrics.ts';
import type { AppSource, AppSources } from './connect/app-source.ts';
import { type ClientCodecs, EndpointDialer } from './endpoint-dialer.ts';
import type { Services } from './services/services.ts';
import { SessionDialer } from './session-dialer.ts';

/** What the clusters of a data plane are given: time, how their endpoints are dialled, and where they count. */
export class ClusterHosts {
  readonly #services: Services;
  readonly #codecs: ClientCodecs;
  readonly #sources: AppSources;
  readonly #staleAfterMs: number | undefined;

  /** `staleAfterMs`: see PoolOptions. */
  constructor(
    services: Services,
    codecs: ClientCodecs,
    sources: AppSources,
    staleAfterMs: number | undefined,
  ) {
    this.#services = services;
    this.#codecs = codecs;
    this.#sources = sources;
    this.#staleAfterMs = staleAfterMs;
  }

  /** `caller`: see AppSources. */
  of(direction: 'inbound' | 'outbound', caller = ''): ClusterHost {
    const services = this.#services;
    const { clock, timers, log } = services;
    return {
      clock,
      timers,
      log,
      staleAfterMs: this.#staleAfterMs,
      ...(direction === 'inbound' && { isEnding: () => services.draining }),
      dialer: (cluster, endpoint) => this.#dialer(cluster, endpoint, direction, caller),
      ...(direction === 'outbound' && {
        sessionDialer: (cluster, endpoint) =>
          new SessionDialer(services.connector, this.#codecs.sessions, cluster, endpoint),
      }),
      metrics: (cluster, endpoint) =>
        new PeerRequests(services.requests, {
          ...outboundLabels(services, undefined, cluster.config.service, 'http'),
          destination: endpoint.peer,
          mutualTls: endpoint.tls === 'mesh',
        }),
    };
  }

  #dialer(
    cluster: RunningCluster,
    endpoint: ClusterEndpoint,
    direction: 'inbound' | 'outbound',
    caller: string,
  ): UpstreamDialer {
    // Of connections that several requests share, no one port of the caller's is meant.
    const source: AppSource =
      direction === 'inbound' ? this.#sources.of(caller, 0, endpoint.address) : { localAddress: '' };
    return new EndpointDialer(this.#services.connector, this.#codecs, cluster, endpoint, source);
  }
}
