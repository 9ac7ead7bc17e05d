import type { Cluster, UpstreamDialer } from '../cluster/index.ts';
import type { Flag } from '../errors/index.ts';
import type { ClientCodec } from '../http/index.ts';
import type { ClusterEndpoint } from '../model/index.ts';
import type { Wire } from '../wire/index.ts';
import type { AppSource } from './connect/app-source.ts';
import type { Connector } from './connect/connector.ts';
import type { Spoken } from './connect/speech.ts';

/** How requests are carried to upstreams: the codecs that there are, by what they speak. */
export interface ClientCodecs {
  readonly http1: ClientCodec<Wire>;
  readonly http2?: ClientCodec<Wire>;
}

/**
 * Opens connections to one endpoint of a cluster, and finds who speaks on them: what was agreed on with TLS, or what the port is
 * known to speak.
 */
export class EndpointDialer implements UpstreamDialer {
  readonly multiplexes: UpstreamDialer['multiplexes'];
  readonly #connector: Connector;
  readonly #codecs: ClientCodecs;
  readonly #cluster: Cluster;
  readonly #endpoint: ClusterEndpoint;
  readonly #source: AppSource;
  /** What may be spoken, the dearest first. */
  readonly #speaks: readonly ['http1' | 'http2', ...('http1' | 'http2')[]];

  /** `source`: whose address connections come from. */
  constructor(
    connector: Connector,
    codecs: ClientCodecs,
    cluster: Cluster,
    endpoint: ClusterEndpoint,
    source: AppSource,
  ) {
    this.#connector = connector;
    this.#codecs = codecs;
    this.#cluster = cluster;
    this.#endpoint = endpoint;
    this.#source = source;
    // Where nobody is asked what it speaks, a port that takes HTTP/1 is the surer guess.
    const asks = endpoint.tls === 'mesh' || cluster.config.settings.tls !== undefined;
    this.#speaks = asks && codecs.http2 !== undefined ? ['http2', 'http1'] : ['http1'];
    this.multiplexes = this.#speaks.length > 1 ? 'maybe' : 'never';
  }

  open(
    exclusive: boolean,
    onOpen: (wire: Wire, codec: ClientCodec<Wire>) => void,
    onError: (flag: Flag, detail: string) => void,
  ): { cancel(): void } {
    const { service, settings } = this.#cluster.config;
    return this.#connector.open(
      {
        endpoint: this.#endpoint,
        speaks: exclusive ? ['http1'] : this.#speaks,
        serverName: service.host,
        timeoutMs: settings.connectTimeoutMs,
        ...this.#source,
        ...(settings.tls && { tls: settings.tls }),
      },
      (wire, spoken) => onOpen(wire, this.#codecOf(spoken)),
      onError,
    );
  }

  #codecOf(spoken: Spoken): ClientCodec<Wire> {
    return (spoken === 'http2' ? this.#codecs.http2 : undefined) ?? this.#codecs.http1;
  }
}
