import { BYTES, type RunningCluster, type UpstreamDialer } from '../cluster/index.ts';
import type { Flag } from '../errors/index.ts';
import type { ClientCodec } from '../http/index.ts';
import type { ClusterEndpoint } from '../model/index.ts';
import type { Wire } from '../wire/index.ts';
import type { Connector } from './connect/connector.ts';
import type { Spoken } from './connect/speech.ts';

/** Who knows no streams takes bytes, on a connection for each session. */
const EITHER: readonly [Spoken, ...Spoken[]] = ['streams', 'bytes'];

/** Opens connections to a proxy that carry connections of apps. */
export class SessionDialer implements UpstreamDialer {
  readonly multiplexes = 'maybe';
  readonly carriage = 'http2';
  readonly #connector: Connector;
  readonly #codec: ClientCodec<Wire>;
  readonly #cluster: RunningCluster;
  readonly #endpoint: ClusterEndpoint;

  constructor(
    connector: Connector,
    codec: ClientCodec<Wire>,
    cluster: RunningCluster,
    endpoint: ClusterEndpoint,
  ) {
    this.#connector = connector;
    this.#codec = codec;
    this.#cluster = cluster;
    this.#endpoint = endpoint;
  }

  open(
    _exclusive: boolean,
    onOpen: (wire: Wire, codec: ClientCodec<Wire>) => void,
    onError: (flag: Flag, detail: string) => void,
  ): { cancel(): void } {
    let opening: { cancel(): void };
    const dial = (repeated: boolean): void => {
      const { service, settings } = this.#cluster.config;
      opening = this.#connector.open(
        {
          endpoint: this.#endpoint,
          speaks: EITHER,
          serverName: service.host,
          timeoutMs: settings.connectTimeoutMs,
          localAddress: '',
          ...(settings.tls && { tls: settings.tls }),
          ...(settings.tcpKeepalive && { keepalive: settings.tcpKeepalive }),
        },
        (wire, spoken) => onOpen(wire, spoken === 'streams' ? this.#codec : BYTES),
        (flag, detail, inHandshake) => {
          // See TcpSession: an app that speaks first may have been heard in the middle of the handshake.
          if (inHandshake && !repeated) dial(true);
          else onError(flag, detail);
        },
      );
    };
    dial(false);
    return { cancel: () => opening.cancel() };
  }
}
