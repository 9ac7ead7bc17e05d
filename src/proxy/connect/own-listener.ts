import { networkInterfaces } from 'node:os';
import { canonicalAddress } from '../../model/index.ts';

/** What says where the listener for outbound connections is. */
export interface OwnListenerOptions {
  /** The addresses that it listens on. */
  readonly hosts: readonly string[];
  /** The pod's own. */
  readonly address: string;
  /** A function, because a free port is known only later. */
  readonly port: () => number;
}

const loopback = /^(127\.\d+\.\d+\.\d+|::1)$/;
const everywhere = ['0.0.0.0', '::'];

/**
 * Whether an address leads to this proxy's own listener for outbound connections. Who is asked to proxy a request to itself is
 * asked for the same again, and again, until something gives.
 */
export class OwnListener {
  readonly #options: OwnListenerOptions;
  readonly #addresses: ReadonlySet<string>;
  readonly #onLoopback: boolean;

  constructor(options: OwnListenerOptions) {
    this.#options = options;
    this.#addresses = new Set([...options.hosts, options.address].map(canonicalAddress));
    this.#onLoopback = [...everywhere, '127.0.0.1', '::1'].some(host => this.#addresses.has(host));
  }

  /** `address` is an IP address in any spelling. */
  is(address: string, port: number): boolean {
    if (port !== this.#options.port()) return false;
    const canonical = canonicalAddress(address);
    // The kernel takes a connection to no address for one to loopback.
    if (everywhere.includes(canonical) || (this.#onLoopback && loopback.test(canonical))) return true;
    if (this.#addresses.has(canonical)) return true;
    // Asked for only when the port fits: interfaces come and go.
    return Object.values(networkInterfaces()).some(each =>
      each?.some(found => canonicalAddress(found.address) === canonical),
    );
  }
}

/** What a request that would go in a circle is answered with. `where` is what was asked for. */
export function circleWords(where: string): string {
  return `${where} is this proxy itself, so the request would go in a circle; name the server that is meant`;
}
