// serving: requests on one downstream connection, whatever version of HTTP they come in. In: a wire and its first bytes. Out: an
// Exchange for each request under way.
import type { Flag } from '../../errors/index.ts';

/** What carries requests on a downstream connection. Made without I/O; `start` takes the wire over. */
export interface Serving {
  /** Reads from now on. `first`: bytes that were read already. */
  start(first: Buffer | undefined): void;
  /** Tells the client to go; what is under way is answered. */
  drain(): void;
  /** Memory is short. `hard`: also what is stuck goes. See ServerConnection.relieve of either codec. */
  relieve(hard: boolean): void;
}

/** What is served: the versions of HTTP that there are codecs for. */
export type Served = 'http1' | 'http2';

/** What is wrong with a message, as both codecs have it. */
export interface MalformedFault {
  readonly code: string;
  readonly status: number;
  readonly words: string;
}

/** DPE for what a client did wrong, OM where memory was short. */
export type MalformedFlag = Extract<Flag, 'DPE' | 'OM'>;
