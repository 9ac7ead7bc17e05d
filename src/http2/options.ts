import type { EncoderOptions } from '../hpack/index.ts';
import type { Clock, TimerWheel } from '../time/index.ts';
import type { AnomalyCounts } from './anomalies.ts';
import type { Http2Limits } from './limits.ts';
import type { QuietTimes } from './quiet-peer.ts';

/** How a connection behaves; one object for all connections of a listener or a pool. Times in milliseconds. */
export interface Http2Options {
  readonly limits: Http2Limits;
  readonly timers: TimerWheel;
  readonly clock: Clock;
  readonly counts: AnomalyCounts;
  /** STATELESS towards apps; with a table towards another Weft. */
  readonly encoder: EncoderOptions;
  /** From the beginning to the peer's first SETTINGS. */
  readonly prefaceTimeoutMs: number;
  /** From the first byte of a block of headers to its last. */
  readonly headTimeoutMs: number;
  /** Without a stream. */
  readonly idleTimeoutMs: number;
  /** Undefined: nobody is asked. */
  readonly quietPeer?: QuietTimes;
  /** What the peer has to read our last words. */
  readonly lingerMs: number;
}

/** From the first GOAWAY, which asks for no more streams, to the second, which takes none: at most so long. */
export const DRAIN_ROUND_TRIP_MS = 1000;
