import { createSocket } from 'node:dgram';
import { networkInterfaces } from 'node:os';
import { isInRange, isIpv6 } from '../model/index.ts';
import type { Clock } from '../time/index.ts';

/** Networks come and go. */
const freshMs = 30_000;
const most = 4_096;

/**
 * Whether connections to a virtual address of the cluster can begin on this machine: packet rules see them only where the kernel
 * has a way for them, and what a network of the machine's own has is somebody else's.
 */
export class RoutedAddresses {
  readonly #clock: Clock;
  readonly #known = new Map<string, { readonly routed: boolean; readonly atMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async has(address: string): Promise<boolean> {
    const nowMs = this.#clock.monotonic();
    const known = this.#known.get(address);
    if (known && nowMs - known.atMs < freshMs) return known.routed;
    const routed = !isOwnNetwork(address) && (await hasRoute(address));
    if (this.#known.size >= most) this.#known.clear();
    this.#known.set(address, { routed, atMs: nowMs });
    return routed;
  }
}

/** Whether a network that this machine is part of has the address. */
export function isOwnNetwork(address: string): boolean {
  const own = Object.values(networkInterfaces()).flatMap(each => each ?? []);
  return own.some(({ cidr }) => cidr !== null && isInRange(address, cidr));
}

/** Connecting a datagram socket asks the kernel for the way and sends nothing. */
function hasRoute(address: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = createSocket(isIpv6(address) ? 'udp6' : 'udp4');
    const done = (routed: boolean): void => {
      socket.close();
      resolve(routed);
    };
    socket.on('error', () => done(false));
    socket.connect(9, address, () => done(true));
  });
}
