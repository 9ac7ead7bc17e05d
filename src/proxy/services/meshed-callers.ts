/** How many callers are remembered; the one that was heard of longest ago makes room. */
const maxCallers = 4096;
/** Addresses of pods are given to others: what is older says nothing. Milliseconds. */
const rememberMs = 600_000;

/**
 * From which addresses, and at which port, mesh TLS came last. On a port that takes plaintext too, a silent caller may be a proxy
 * whose ClientHello is late or somebody who waits for a server that speaks first: the app must not be heard by the former, whose
 * handshake it would break, and at once by the latter. Bounded.
 */
export class MeshedCallers {
  /** By address and port, in order of when they were heard of. */
  readonly #heardMs = new Map<string, number>();

  /** A mesh handshake came from there. */
  add(address: string, port: number, nowMs: number): void {
    const key = `${address} ${port}`;
    this.#heardMs.delete(key);
    this.#heardMs.set(key, nowMs);
    if (this.#heardMs.size <= maxCallers) return;
    for (const oldest of this.#heardMs.keys()) {
      this.#heardMs.delete(oldest);
      break;
    }
  }

  /**
   * A connection that began at `sinceMs` took the app's word before it said anything: calls of this port go past the proxy there,
   * if there is one. Unless mesh TLS came from there since: several connections begin at once, and one that was overtaken says
   * nothing against the next.
   */
  remove(address: string, port: number, sinceMs: number): void {
    const key = `${address} ${port}`;
    const heardMs = this.#heardMs.get(key);
    if (heardMs !== undefined && heardMs <= sinceMs) this.#heardMs.delete(key);
  }

  /** Whether mesh TLS is what to expect. */
  has(address: string, port: number, nowMs: number): boolean {
    if (this.#heardMs.size === 0) return false;
    const heardMs = this.#heardMs.get(`${address} ${port}`);
    return heardMs !== undefined && nowMs - heardMs < rememberMs;
  }
}
