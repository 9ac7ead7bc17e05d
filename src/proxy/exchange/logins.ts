import type { RunningCluster, RunningEndpoint, StreamWaiter } from '../../cluster/index.ts';
import type { ConnectionOwner, UpstreamConnection } from '../../http/index.ts';

/** One connection to an upstream that a client has for itself. */
interface Login {
  readonly cluster: RunningCluster;
  readonly endpoint: RunningEndpoint;
  readonly connection: UpstreamConnection;
  waiter: StreamWaiter | undefined;
}

/**
 * The connections to upstreams that belong to one client's connection, because NTLM and Negotiate log in connections and not
 * requests (RFC 4559 section 6): nobody else may ever use them, they end with the client's, and the client's ends with them.
 * Every proxy on the way does the same, so that between client and app there is one chain of connections.
 */
export class Logins implements ConnectionOwner {
  readonly #onLost: () => void;
  /** Nearly always one. */
  #logins: Login[] = [];

  /** `onLost`: one of them is gone. */
  constructor(onLost: () => void) {
    this.#onLost = onLost;
  }

  /** Takes a connection that carries a request of this client out of its pool, for good. */
  bind(cluster: RunningCluster, endpoint: RunningEndpoint, connection: UpstreamConnection): void {
    if (connection.owner === this) return;
    connection.owner = this;
    this.#logins.push({ cluster, endpoint, connection, waiter: undefined });
  }

  /** Which of these clusters the client is logged in to; -1 for none. */
  among(clusters: readonly RunningCluster[]): number {
    return clusters.findIndex(cluster => this.#of(cluster) !== undefined);
  }

  /** The endpoint that the client is logged in to. */
  endpoint(cluster: RunningCluster): RunningEndpoint | undefined {
    return this.#of(cluster)?.endpoint;
  }

  /** Gives the waiter the connection: at once, or when the exchange before is complete. */
  acquire(cluster: RunningCluster, waiter: StreamWaiter): void {
    const login = this.#of(cluster);
    if (login === undefined)
      waiter.onNoConnection('UC', 'the connection that the client was logged in on is gone');
    else if (login.connection.room > 0) openFor(waiter, login.connection);
    else login.waiter = waiter;
  }

  cancel(waiter: StreamWaiter): void {
    for (const login of this.#logins) if (login.waiter === waiter) login.waiter = undefined;
  }

  /** The client is gone. */
  close(): void {
    for (const { connection } of this.#logins.splice(0)) {
      connection.owner = undefined;
      connection.close();
    }
  }

  onOwnedFree(connection: UpstreamConnection): void {
    const login = this.#logins.find(each => each.connection === connection);
    const waiter = login?.waiter;
    if (login === undefined || waiter === undefined) return;
    login.waiter = undefined;
    openFor(waiter, connection);
  }

  onOwnedGone(connection: UpstreamConnection): void {
    const at = this.#logins.findIndex(each => each.connection === connection);
    if (at < 0) return;
    const [login] = this.#logins.splice(at, 1);
    connection.owner = undefined;
    login!.waiter?.onNoConnection(
      'UC',
      'the upstream closed the connection that the client was logged in on',
    );
    this.#onLost();
  }

  #of(cluster: RunningCluster): Login | undefined {
    for (const login of this.#logins) if (login.cluster === cluster && isOpen(login.connection)) return login;
    return undefined;
  }
}

function openFor(waiter: StreamWaiter, connection: UpstreamConnection): void {
  waiter.onStream(connection.open(waiter.streamHandler), connection);
}

function isOpen({ room, active }: UpstreamConnection): boolean {
  return room + active > 0;
}
