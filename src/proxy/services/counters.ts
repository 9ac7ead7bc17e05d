// Counters of the proxy that have no standard name, as plain numbers by label.

import { OVERFLOW } from '../../telemetry/index.ts';

const labelValues = /="(?:[^"\\]|\\.)*"/g;

/** A counter with one or two labels, rendered as `weft_<name>_total`. */
export class Counter {
  readonly #counts = new Map<string, number>();
  readonly #maxSeries = 200;

  /** What there is no room for is counted under the same labels, each of them `overflow`. */
  add(labels: string, by = 1): void {
    const known = this.#counts.get(labels);
    const fits = known !== undefined || this.#counts.size < this.#maxSeries;
    const name = fits ? labels : `${labels.replace(labelValues, `="${OVERFLOW}"`)},overflow="true"`;
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + by);
  }

  /** Series. */
  get size(): number {
    return this.#counts.size;
  }

  entries(): IterableIterator<[string, number]> {
    return this.#counts.entries();
  }
}

/** What a proxy counts beside requests and TCP connections. */
export class Counters {
  /** Requests that were not valid HTTP, by fault. */
  readonly malformed = new Counter();
  /** Inbound connections that were refused, by port and reason. */
  readonly refused = new Counter();
  /** Connections of the app that were refused for how they began, by port and reason. */
  readonly refusedOutbound = new Counter();
  /** Mesh TLS handshakes that failed, by direction. */
  readonly handshakeFailures = new Counter();
  /** Requests that limits of clients were asked about where replicas share them, by whose counts decided. */
  readonly sharedLimits = new Counter();
  /** Connections accepted, by direction and protocol. */
  readonly accepted = new Counter();
  /** Connections open now, by the listener that accepted them. */
  readonly openConnections: { inbound: number; outbound: number; gateway?: number } = {
    inbound: 0,
    outbound: 0,
  };
  /** Datagrams of gateways, by listener and direction; their bytes; those that were not sent on, by reason. */
  readonly datagrams = new Counter();
  readonly datagramBytes = new Counter();
  readonly datagramsDropped = new Counter();
  /** Clients of theirs that came, and went. */
  readonly datagramSessions = new Counter();
  /** Destinations that had to be passed through because discovery did not answer. */
  discoveryTimeouts = 0;
}
