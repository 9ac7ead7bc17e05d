// Counters of the proxy that have no standard name, as plain numbers by label.

/** A counter with one or two labels, rendered as `weft_<name>_total`. */
export class Counter {
  readonly #counts = new Map<string, number>();
  readonly #maxSeries = 200;

  add(labels: string, by = 1): void {
    const known = this.#counts.get(labels);
    if (known === undefined && this.#counts.size >= this.#maxSeries) this.add('overflow="true"', by);
    else this.#counts.set(labels, (known ?? 0) + by);
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
  /** Mesh TLS handshakes that failed, by direction. */
  readonly handshakeFailures = new Counter();
  /** Connections accepted, by direction and protocol. */
  readonly accepted = new Counter();
  /** Connections open now, by direction. */
  openInbound = 0;
  openOutbound = 0;
  /** Destinations that had to be passed through because discovery did not answer. */
  discoveryTimeouts = 0;
}
