import { BlockList, isIPv6 } from 'node:net';
import { WeftError } from '../../errors/index.ts';
import { canonicalAddress } from '../../model/index.ts';

/** A set of addresses, made once. */
export class Ranges {
  readonly #list = new BlockList();

  /** Addresses, and ranges such as `10.0.0.0/8`. Throws a WeftError for what is neither. */
  constructor(ranges: readonly string[]) {
    for (const range of ranges) {
      const [address = '', bits] = range.split('/');
      const family = isIPv6(address) ? 'ipv6' : 'ipv4';
      try {
        this.#list.addSubnet(
          address,
          bits === undefined ? (family === 'ipv6' ? 128 : 32) : Number(bits),
          family,
        );
      } catch {
        throw new WeftError('bad-range', `'${range}' is no address and no range such as 10.0.0.0/8`, {
          source: 'config',
        });
      }
    }
  }

  has(address: string): boolean {
    const plain = canonicalAddress(address);
    return this.#list.check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4');
  }
}
