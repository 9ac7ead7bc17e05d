import { clusterIpOf, type Service } from '../kube/index.ts';

/** The number behind a dotted IPv4 address. */
export function ipv4ToNumber(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

/** The dotted IPv4 address behind a number. */
export function numberToIpv4(value: number): string {
  return [24, 16, 8, 0].map(shift => Math.floor(value / 2 ** shift) % 256).join('.');
}

/**
 * Hands out the addresses of an IPv4 range one after the other and comes back to a freed one only when it has been
 * through all others: an address that changes hands quickly sends traffic to the wrong pod.
 */
export class AddressPool {
  readonly #first: number;
  readonly #size: number;
  readonly #used = new Set<number>();
  #next: number;

  /** `cidr` like `10.244.0.0/16`; the first `skip` addresses are never given. */
  constructor(cidr: string, skip = 1) {
    const [base, bits] = cidr.split('/') as [string, string];
    this.#first = ipv4ToNumber(base);
    this.#size = 2 ** (32 - Number(bits));
    this.#next = skip;
    for (let index = 0; index < skip; index++) this.#used.add(index);
    // The last one is the broadcast address.
    this.#used.add(this.#size - 1);
  }

  /** A free address; undefined when the range is used up. */
  take(): string | undefined {
    for (let tries = 0; tries < this.#size; tries++) {
      const index = this.#next;
      this.#next = (this.#next + 1) % this.#size;
      if (this.#used.has(index)) continue;
      this.#used.add(index);
      return numberToIpv4(this.#first + index);
    }
    return undefined;
  }

  /** Marks an address of the range as taken; false when it already was, true also for addresses outside of the range. */
  claim(address: string): boolean {
    const index = ipv4ToNumber(address) - this.#first;
    if (index < 0 || index >= this.#size) return true;
    if (this.#used.has(index)) return false;
    this.#used.add(index);
    return true;
  }

  /** Gives an address back. */
  release(address: string): void {
    this.#used.delete(ipv4ToNumber(address) - this.#first);
  }
}

/** The Service with a virtual address, if it should have one and has none yet; undefined when nothing is to be done. */
export function assignClusterIp(service: Service, pool: AddressPool): Service | undefined {
  if (service.spec.type === 'ExternalName' || service.spec.clusterIP === 'None') return undefined;
  if (clusterIpOf(service)) return undefined;
  const address = pool.take();
  if (!address) return undefined;
  return { ...service, spec: { ...service.spec, clusterIP: address, clusterIPs: [address] } };
}
