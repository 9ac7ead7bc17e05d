import { type Carriage, carriageOf, type RunningCluster, type UpstreamDialer } from '../cluster/index.ts';
import type { Flag } from '../errors/index.ts';
import type { ClientCodec } from '../http/index.ts';
import type { ClusterConfig, ClusterEndpoint } from '../model/index.ts';
import type { Wire } from '../wire/index.ts';
import type { AppSource } from './connect/app-source.ts';
import type { Connector } from './connect/connector.ts';
import type { Spoken } from './connect/speech.ts';

/** How requests are carried to upstreams: the codecs that there are, by what they speak and with whom. */
export interface ClientCodecs {
  readonly http1: ClientCodec<Wire>;
  readonly http2: {
    /** Another proxy. */
    readonly mesh: ClientCodec<Wire>;
    /** An endpoint, without TLS (h2c). */
    readonly plaintext: ClientCodec<Wire>;
    /** A server's own TLS. */
    readonly origin: ClientCodec<Wire>;
  };
  /** HTTP/2 to another proxy, for connections of apps. */
  readonly sessions: ClientCodec<Wire>;
}

const HTTP1 = ['http1'] as const;
/** The dearest first. */
const EITHER = ['http2', 'http1'] as const;
const HTTP2 = ['http2'] as const;

/**
 * Opens connections to one endpoint of a cluster, and finds who speaks on them: what was agreed on with TLS, or what the port is
 * known to speak.
 */
export class EndpointDialer implements UpstreamDialer {
  readonly multiplexes = 'maybe';
  readonly #connector: Connector;
  readonly #codecs: ClientCodecs;
  readonly #cluster: RunningCluster;
  readonly #endpoint: ClusterEndpoint;
  readonly #source: AppSource;
  /** Of what `#carriage` follows. */
  #config: ClusterConfig | undefined;
  #carriage: Carriage = 'client';

  /** `source`: whose address connections come from. */
  constructor(
    connector: Connector,
    codecs: ClientCodecs,
    cluster: RunningCluster,
    endpoint: ClusterEndpoint,
    source: AppSource,
  ) {
    this.#connector = connector;
    this.#codecs = codecs;
    this.#cluster = cluster;
    this.#endpoint = endpoint;
    this.#source = source;
  }

  get carriage(): Carriage {
    const { config } = this.#cluster;
    if (config !== this.#config) {
      this.#config = config;
      this.#carriage = carriageOf(config, this.#endpoint);
    }
    return this.#carriage;
  }

  open(
    exclusive: boolean,
    onOpen: (wire: Wire, codec: ClientCodec<Wire>) => void,
    onError: (flag: Flag, detail: string) => void,
  ): { cancel(): void } {
    const { service, settings } = this.#cluster.config;
    // Without TLS nobody can be asked what it speaks.
    const isAsked = this.#endpoint.tls === 'mesh' || settings.tls !== undefined;
    return this.#connector.open(
      {
        endpoint: this.#endpoint,
        speaks: exclusive ? HTTP1 : isAsked ? EITHER : HTTP2,
        serverName: service.host,
        timeoutMs: settings.connectTimeoutMs,
        ...this.#source,
        ...(settings.tls && { tls: settings.tls }),
        ...(settings.tcpKeepalive && { keepalive: settings.tcpKeepalive }),
      },
      (wire, spoken) => onOpen(wire, this.#codecOf(spoken, settings.tls !== undefined)),
      onError,
    );
  }

  #codecOf(spoken: Spoken, originates: boolean): ClientCodec<Wire> {
    const { http1, http2 } = this.#codecs;
    if (spoken !== 'http2') return http1;
    if (this.#endpoint.tls === 'mesh') return http2.mesh;
    return originates ? http2.origin : http2.plaintext;
  }
}
