// Addresses and ranges of them as integers.
import { isIpAddress, isIpv6 } from '../model/index.ts';

/** An address as four words of 32 bits, the first of them the highest; of IPv4 the last. */
export interface AddressWords {
  readonly isIpv6: boolean;
  readonly words: Int32Array;
}

/** Addresses that call one workload; more are read again. */
const maxKnown = 4096;
const known = new Map<string, AddressWords | undefined>();

/** The address in words; undefined for what is none. IPv4 inside IPv6 (`::ffff:…`) is IPv4. */
export function addressWords(address: string): AddressWords | undefined {
  if (known.has(address)) return known.get(address);
  const words = read(address);
  if (known.size >= maxKnown) known.clear();
  known.set(address, words);
  return words;
}

/** A range of addresses of one family: `10.0.0.0/8`, or one address. */
export class AddressBlock {
  readonly isIpv6: boolean;
  /** Bits behind its length may be set: the masks take them out. */
  readonly words: Int32Array;
  readonly masks = new Int32Array(4);

  /** Undefined for what is no range. */
  static of(range: string): AddressBlock | undefined {
    const [base = '', length, ...more] = range.split('/');
    const from = read(base);
    if (from === undefined || more.length > 0) return undefined;
    const most = from.isIpv6 ? 128 : 32;
    const bits = length === undefined ? most : Number(length);
    return Number.isInteger(bits) && bits >= 0 && bits <= most ? new AddressBlock(from, bits) : undefined;
  }

  private constructor(from: AddressWords, bits: number) {
    this.isIpv6 = from.isIpv6;
    this.words = from.words;
    let left = from.isIpv6 ? bits : bits + 96;
    for (let i = 0; i < 4; i++) {
      const here = Math.min(32, left);
      this.masks[i] = here === 0 ? 0 : -1 << (32 - here);
      left -= here;
    }
    // Of the other family nothing is in it: the 96 bits before an IPv4 address need not be compared.
    if (!from.isIpv6) this.masks.fill(0, 0, 3);
  }

  has({ isIpv6: other, words }: AddressWords): boolean {
    if (other !== this.isIpv6) return false;
    const own = this.words;
    const masks = this.masks;
    return (
      ((words[3]! ^ own[3]!) & masks[3]!) === 0 &&
      ((words[0]! ^ own[0]!) & masks[0]!) === 0 &&
      ((words[1]! ^ own[1]!) & masks[1]!) === 0 &&
      ((words[2]! ^ own[2]!) & masks[2]!) === 0
    );
  }
}

function read(address: string): AddressWords | undefined {
  if (!isIpAddress(address)) return undefined;
  return isIpv6(address)
    ? readIpv6(address)
    : { isIpv6: false, words: new Int32Array([0, 0, 0, ipv4(address)]) };
}

function ipv4(address: string): number {
  return address.split('.').reduce((word, part) => (word << 8) | Number(part), 0);
}

function readIpv6(address: string): AddressWords | undefined {
  const plain = address.replace(/%.*$/, '');
  if (!URL.canParse(`http://[${plain}]`)) return undefined;
  // As RFC 5952 writes it: without dotted parts.
  const canonical = new URL(`http://[${plain}]`).hostname.slice(1, -1);
  const [head = '', tail] = canonical.split('::');
  const groups = (text: string | undefined): number[] =>
    text === undefined || text === '' ? [] : text.split(':').map(group => Number.parseInt(group, 16));
  const first = groups(head);
  const last = groups(tail);
  const all = [...first, ...new Array<number>(8 - first.length - last.length).fill(0), ...last];
  const words = new Int32Array(4);
  for (let i = 0; i < 4; i++) words[i] = (all[2 * i]! << 16) | all[2 * i + 1]!;
  const isMapped = words[0] === 0 && words[1] === 0 && words[2] === 0xffff;
  if (!isMapped) return { isIpv6: true, words };
  words[2] = 0;
  return { isIpv6: false, words };
}
