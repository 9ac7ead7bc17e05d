import { isIPv4, isIPv6 } from 'node:net';

/** Rules are written once per family; each has its own iptables command. */
export type Family = 'ipv4' | 'ipv6';

/** A block of addresses, its host bits cleared. */
export interface Cidr {
  readonly family: Family;
  /** Canonical, as iptables-save prints it: `10.0.0.0/8`, `fd00::/8`; one address is a /32 or a /128. */
  readonly text: string;
  readonly prefix: number;
  /** The first address of the block as a number. */
  readonly network: bigint;
  /** Whether the text had bits set behind the prefix (`10.1.2.3/8`), which is often a mistake. */
  readonly hostBits: boolean;
}

/** Reads `10.0.0.0/8`, `fd00::/8` or a single address; undefined when it is none of them (a zone id is not part of a CIDR). */
export function parseCidr(text: string): Cidr | undefined {
  const [host = '', prefixText, ...rest] = text.split('/');
  const family = isIPv4(host) ? 'ipv4' : isIPv6(host) && !host.includes('%') ? 'ipv6' : undefined;
  if (family === undefined || rest.length > 0) return undefined;
  const bits = family === 'ipv4' ? 32 : 128;
  if (prefixText !== undefined && !/^(0|[1-9]\d{0,2})$/.test(prefixText)) return undefined;
  const prefix = prefixText === undefined ? bits : Number(prefixText);
  if (prefix > bits) return undefined;
  const address = family === 'ipv4' ? ipv4Number(host) : ipv6Number(host);
  const hostWidth = BigInt(bits - prefix);
  const network = (address >> hostWidth) << hostWidth;
  const first = family === 'ipv4' ? formatIpv4(network) : formatIpv6(network);
  return { family, text: `${first}/${prefix}`, prefix, network, hostBits: network !== address };
}

/** Whether every address of `inner` is in `outer`. */
export function containsCidr(outer: Cidr, inner: Cidr): boolean {
  if (outer.family !== inner.family || outer.prefix > inner.prefix) return false;
  const hostWidth = BigInt((outer.family === 'ipv4' ? 32 : 128) - outer.prefix);
  return outer.network >> hostWidth === inner.network >> hostWidth;
}

function ipv4Number(host: string): bigint {
  return host.split('.').reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

function formatIpv4(address: bigint): string {
  return [24n, 16n, 8n, 0n].map(shift => (address >> shift) & 0xffn).join('.');
}

function ipv6Number(host: string): bigint {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(host);
  if (dotted) {
    const low = ipv4Number(dotted[2]!);
    return ipv6Number(`${dotted[1]}${(low >> 16n).toString(16)}:${(low & 0xffffn).toString(16)}`);
  }
  const [left = '', right] = host.split('::');
  const head = left === '' ? [] : left.split(':');
  const tail = right === undefined || right === '' ? [] : right.split(':');
  const gap = right === undefined ? 0 : 8 - head.length - tail.length;
  const groups = [...head, ...new Array<string>(gap).fill('0'), ...tail];
  return groups.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n);
}

/** As the C library's inet_ntop prints it, because iptables-save does: RFC 5952, and dotted for ::a.b.c.d and ::ffff:a.b.c.d. */
function formatIpv6(address: bigint): string {
  const groups = Array.from({ length: 8 }, (_, index) =>
    Number((address >> BigInt(112 - 16 * index)) & 0xffffn),
  );
  const [start, length] = longestZeroRun(groups);
  if (start === 0 && (length === 6 || (length === 5 && groups[5] === 0xffff))) {
    return `::${length === 5 ? 'ffff:' : ''}${formatIpv4(address & 0xffff_ffffn)}`;
  }
  const hex = groups.map(group => group.toString(16));
  if (length < 2) return hex.join(':');
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`;
}

function longestZeroRun(groups: readonly number[]): [start: number, length: number] {
  let best: [number, number] = [-1, 0];
  for (let start = 0; start < groups.length; start++) {
    let end = start;
    while (groups[end] === 0) end++;
    if (end - start > best[1]) best = [start, end - start];
  }
  return best;
}
