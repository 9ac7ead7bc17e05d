import type { ByteBudget, Newcomers } from '../newcomers/index.ts';
import type { ProxyStream } from './proxy-stream.ts';
import type { PushQueue } from './push-queue.ts';
import type { AskableProxy, DiscoveryLimits, DiscoveryServerOptions } from './server.interface.ts';

/** What all streams of a server have in common. */
export interface StreamShared {
  readonly options: DiscoveryServerOptions;
  readonly limits: DiscoveryLimits;
  readonly queue: PushQueue;
  /** Where a stream is counted until its peer has proven who it is, and the bytes that all of those may hold. */
  readonly newcomers: Newcomers;
  readonly newcomerBytes: ByteBudget;
  /** What a stream says when nothing else is to be said; see Heartbeat. */
  readonly heartbeat: { readonly line: string };
  /** Its proxy follows resources from now on, and can be asked. */
  readonly opened: (proxy: AskableProxy) => void;
  readonly closed: (stream: ProxyStream) => void;
}
