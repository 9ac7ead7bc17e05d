import type { Clock } from '../time/index.ts';
import type { Http2Limits } from './limits.ts';

/** What is odd about a peer's frames, by number; `weight` of each is what it takes from the connection's account. */
const kinds = [
  ['early-reset', 1],
  ['refused-stream', 1],
  ['stream-error', 1],
  ['closed-stream', 1],
  ['empty-data', 10],
  ['tiny-data', 1],
  ['empty-continuation', 10],
  ['settings', 10],
  ['ping', 1],
  ['priority', 1],
  ['window-update', 1],
  ['unknown-frame', 1],
  ['dropped-trailer', 1],
  // From here on each ends the connection or a stream by itself, and is only counted.
  ['too-many-anomalies', 0],
  ['too-many-continuations', 0],
  ['too-many-control-frames', 0],
  ['too-many-settings', 0],
  ['header-list', 0],
  ['stalled-stream', 0],
  ['stalled-connection', 0],
  ['slow-preface', 0],
  ['slow-block', 0],
  ['connection-error', 0],
  ['dead-peer', 0],
] as const;

/** The number of an anomaly. */
export const ANOMALY = {
  EARLY_RESET: 0,
  REFUSED_STREAM: 1,
  STREAM_ERROR: 2,
  CLOSED_STREAM: 3,
  EMPTY_DATA: 4,
  TINY_DATA: 5,
  EMPTY_CONTINUATION: 6,
  SETTINGS: 7,
  PING: 8,
  PRIORITY: 9,
  WINDOW_UPDATE: 10,
  UNKNOWN_FRAME: 11,
  DROPPED_TRAILER: 12,
  TOO_MANY: 13,
  CONTINUATIONS: 14,
  CONTROL_FRAMES: 15,
  SETTINGS_ENTRIES: 16,
  HEADER_LIST: 17,
  STALLED_STREAM: 18,
  STALLED_CONNECTION: 19,
  SLOW_PREFACE: 20,
  SLOW_BLOCK: 21,
  CONNECTION_ERROR: 22,
  DEAD_PEER: 23,
} as const;

/** Names of anomalies as metrics and logs say them, by number. */
export const ANOMALY_NAMES: readonly string[] = kinds.map(([name]) => name);
const weights = Uint8Array.from(kinds, ([, weight]) => weight);

/** How often each anomaly was met, by number: one for all connections of a listener or a pool. */
export class AnomalyCounts {
  readonly counts: Float64Array = new Float64Array(kinds.length);

  /** Of one, by its name. */
  of(name: string): number {
    return this.counts[ANOMALY_NAMES.indexOf(name)] ?? 0;
  }
}

/** How a connection's account stands. */
export const ACCOUNT = { FINE: 0, DRAIN: 1, OVERDRAWN: 2 } as const;

/**
 * One account for whatever is odd on a connection (HAProxy's glitches): nothing of it is worth a limit of its own, and who sends
 * many of one kind or some of each is no peer that means well. It fills again with time, so that connections may live for ever.
 */
export class Anomalies {
  readonly #limits: Http2Limits;
  readonly #clock: Clock;
  readonly #counts: AnomalyCounts;
  #left: number;
  #filledMs: number;

  constructor(limits: Http2Limits, clock: Clock, counts: AnomalyCounts) {
    this.#limits = limits;
    this.#clock = clock;
    this.#counts = counts;
    this.#left = limits.anomalyBurst;
    this.#filledMs = clock.monotonic();
  }

  /** Counts one. What the connection should do about it, an ACCOUNT: at a quarter left it should end in order. */
  note(kind: number): number {
    const { counts } = this.#counts;
    counts[kind] = counts[kind]! + 1;
    const weight = weights[kind]!;
    if (weight === 0) return ACCOUNT.FINE;
    this.#left -= weight;
    const { anomalyBurst } = this.#limits;
    if (this.#left > anomalyBurst / 4) return ACCOUNT.FINE;
    this.#fill();
    if (this.#left <= 0) return ACCOUNT.OVERDRAWN;
    return this.#left <= anomalyBurst / 4 ? ACCOUNT.DRAIN : ACCOUNT.FINE;
  }

  /** Only looked at when it matters: asking what time it is costs more than all the rest. */
  #fill(): void {
    const nowMs = this.#clock.monotonic();
    const { anomalyBurst, anomaliesPerSecond } = this.#limits;
    const gained = ((nowMs - this.#filledMs) / 1000) * anomaliesPerSecond;
    this.#left = Math.min(anomalyBurst, this.#left + gained);
    this.#filledMs = nowMs;
  }
}
