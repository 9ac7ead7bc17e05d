// What a server connection is given: how it behaves, who handles its streams, and what is said of requests that are none.
import type { LocalReply, ServerStream, ServerStreamHandler } from '../http/index.ts';
import type { TimerWheel } from '../time/index.ts';
import type { Fault } from './faults.ts';
import type { Limits } from './limits.ts';

/** How a server connection behaves; one object for all connections of a listener. */
export interface ServerOptions {
  readonly limits: Limits;
  readonly timers: TimerWheel;
  /** From the first byte of a head to its last. */
  readonly headTimeoutMs: number;
  /** Between requests. Long: closing first is what makes clients fail. */
  readonly idleTimeoutMs: number;
  /** After an answer that the client has not finished its request for, and after `Connection: close`. */
  readonly lingerMs: number;
  /**
   * A client that ends a kept connection while its answer is due has given up: for servers whose work is worth less than knowing
   * that soon.
   */
  readonly givesUpAtEnd?: boolean;
}

/** What the engine provides for each connection. */
export interface ServerConnectionHost {
  /**
   * A stream begins: who handles it. Asked once, when the connection starts: HTTP/1 has one stream at a time, and its requests
   * are carried by the same stream and handler, one after the other. A codec that multiplexes asks for each.
   */
  accept(stream: ServerStream): ServerStreamHandler;
  /**
   * A request is refused for its bytes. The answer to it, which is sent unless another one has begun; the connection ends after
   * it.
   */
  onMalformed(fault: Fault): LocalReply;
  /** The connection is gone. */
  onConnectionClosed(): void;
}

/** Of a request that was still arriving when memory became short. */
export const NO_MEMORY: Fault = {
  code: 'no-memory',
  status: 503,
  words:
    'the proxy is short of memory and gives up requests that are still arriving; raise weft.dev/proxy-memory-limit if it lasts',
};
