import type { Counter } from '../services/counters.ts';

/** Why a datagram was not sent on. */
export type DatagramDrop =
  /** There are as many sessions as there may be, and all of them are in use. */
  | 'sessions'
  /** No route, or no endpoint that takes any. */
  | 'no-endpoint'
  | 'not-connected'
  | 'too-large'
  | 'send'
  | 'unproven-client'
  /** Memory is short. */
  | 'memory';

/** What a port of UDP counts, in numbers: they are made text when somebody asks. */
export class DatagramCounts {
  received = 0;
  receivedBytes = 0;
  sent = 0;
  sentBytes = 0;
  opened = 0;
  closed = 0;
  readonly #dropped = new Map<DatagramDrop, number>();

  drop(why: DatagramDrop): void {
    this.#dropped.set(why, (this.#dropped.get(why) ?? 0) + 1);
  }

  get dropped(): ReadonlyMap<DatagramDrop, number> {
    return this.#dropped;
  }
}

/** The counters of a proxy that what has happened since the last time is added to. */
export interface DatagramCounters {
  readonly datagrams: Counter;
  readonly datagramBytes: Counter;
  readonly datagramsDropped: Counter;
  readonly datagramSessions: Counter;
}

/** Adds what `counts` has grown by to the counters under the listener's name. */
export class DatagramReport {
  readonly #before = new Map<string, number>();

  add(counts: DatagramCounts, listener: string, counters: DatagramCounters): void {
    const label = `listener=${JSON.stringify(listener)}`;
    const grow = (counter: Counter, labels: string, now: number): void => {
      const id = `${labels} ${counter === counters.datagramBytes}`;
      const by = now - (this.#before.get(id) ?? 0);
      this.#before.set(id, now);
      if (by > 0) counter.add(labels, by);
    };
    grow(counters.datagrams, `${label},direction="received"`, counts.received);
    grow(counters.datagrams, `${label},direction="sent"`, counts.sent);
    grow(counters.datagramBytes, `${label},direction="received"`, counts.receivedBytes);
    grow(counters.datagramBytes, `${label},direction="sent"`, counts.sentBytes);
    grow(counters.datagramSessions, `${label},event="opened"`, counts.opened);
    grow(counters.datagramSessions, `${label},event="closed"`, counts.closed);
    for (const [why, count] of counts.dropped)
      grow(counters.datagramsDropped, `${label},reason="${why}"`, count);
  }
}
