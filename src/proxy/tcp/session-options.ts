import type { RunningCluster, RunningEndpoint } from '../../cluster/index.ts';
import type { Flag } from '../../errors/index.ts';
import type { PeerLabels } from '../../telemetry/index.ts';

/** How a TCP session is described and bound; given by the connection that makes it. */
export interface TcpSessionOptions {
  readonly direction: 'inbound' | 'outbound';
  readonly downstream: string;
  readonly principal: string;
  /** The source address to bind towards the upstream; ''. */
  readonly localAddress: string;
  /** See ConnectRequest. */
  readonly foreignPort?: number;
  labels(endpoint: RunningEndpoint | undefined, cluster: RunningCluster): PeerLabels;
  /** The upstream speaks first, so there is nothing left to detect: stops that, and gives what the client has sent so far. */
  undecided?(): Buffer | undefined;
  /**
   * Sees the client's first bytes when the upstream has spoken before it. True: they begin a handshake of the mesh, which is lost
   * and begun again. Such a connection carried nothing of anybody's and is not counted.
   */
  overtook?(bytes: Buffer): boolean;
  /** Of the CONNECT request; '' or undefined without one. */
  readonly id?: string;
  /** Tells a client that asked with CONNECT. */
  readonly answers?: SessionAnswers;
  /** The session is over, in whatever way; called once. */
  onEnd(): void;
}

/** What a client that asked for the session hears before the bytes, or in their place. */
export interface SessionAnswers {
  opened(): void;
  /** Ends its side, too. Also called where `opened` was. */
  failed(flag: Flag, detail: string): void;
}
