/** From this mean on sessions get connections of their own, bytes; see docs/decisions/tcp-on-streams.md. */
const LARGE_BYTES = 4 * 1024 * 1024;
/** More than this counts as this: one dump of a database says no more than that. */
const mostBytes = 4 * LARGE_BYTES;

/**
 * How much the last sessions with a cluster have carried. Those that carry much gain nothing by a stream, which costs more for
 * each byte, and others that share the connection wait for them.
 */
export class SessionSizes {
  /** Each that ends counts half, the one before it a quarter, and so on. */
  #meanBytes = 0;

  /** A session is over; `bytes` in both directions. */
  note(bytes: number): void {
    this.#meanBytes += (Math.min(bytes, mostBytes) - this.#meanBytes) / 2;
  }

  /** Whether the next is likely to carry much. */
  get large(): boolean {
    return this.#meanBytes >= LARGE_BYTES;
  }
}
