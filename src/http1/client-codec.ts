import type { ClientCodec } from '../http/index.ts';
import type { TimerWheel } from '../time/index.ts';
import type { Wire } from '../wire/index.ts';
import { ClientConnection } from './client-connection.ts';
import type { Limits } from './limits.ts';

/** What connections to upstreams have in common. */
export interface ClientOptions {
  readonly limits: Limits;
  readonly timers: TimerWheel;
}

/** HTTP/1.1 towards upstreams. */
export function http1Client({ limits, timers }: ClientOptions): ClientCodec<Wire> {
  return {
    multiplexes: false,
    connect: (wire, host) => new ClientConnection(wire, limits, timers, host),
  };
}
