import { bitsOf, isIpv6, type Mesh } from '../model/index.ts';

/** Ranges for Services of Kubernetes at most: they have addresses of few blocks, which a cluster sets aside for them. */
const most = 64;
/**
 * How much of an address a range keeps; the first that comes to few enough. Never a single address, or every new Service would be
 * news.
 */
const lengths = { 4: [24, 20, 16, 12], 6: [112, 108, 96, 64] } as const;

/**
 * Where the virtual addresses of Services lie, as `10.96.4.0/24`, in order: what a proxy has to know so as never to take one of
 * them for an address outside of the mesh. Services of Kubernetes as blocks, external ones as they are written; those that are
 * passed on to where the app wanted to go (resolution NONE) are left out, since passing on is just what they ask for.
 */
export function serviceRanges(
  mesh: Pick<Mesh, 'servicesByAddress' | 'addressRanges' | 'services'>,
): readonly string[] {
  const own: Record<4 | 6, string[]> = { 4: [], 6: [] };
  const ranges = new Set<string>();
  const isPassedOn = (key: string): boolean => mesh.services.get(key)?.external?.resolution === 'none';
  for (const [address, keys] of mesh.servicesByAddress) {
    const counted = keys.filter(key => !isPassedOn(key));
    if (counted.length === 0) continue;
    const isExternal = counted.every(key => mesh.services.get(key)?.external !== undefined);
    const family = isIpv6(address) ? 6 : 4;
    // Loopback has everything on it.
    if (isExternal || address.startsWith('127.')) ranges.add(`${address}/${family === 6 ? 128 : 32}`);
    else own[family].push(address);
  }
  for (const { range, service } of mesh.addressRanges) if (!isPassedOn(service)) ranges.add(range);
  for (const each of [...blocks(own[4], lengths[4]), ...blocks(own[6], lengths[6])]) ranges.add(each);
  return [...ranges].sort();
}

function blocks(addresses: readonly string[], tried: readonly number[]): readonly string[] {
  const bits = addresses.flatMap(each => bitsOf(each) ?? []);
  let found = new Set<string>();
  for (const length of tried) {
    found = new Set(bits.map(each => each.slice(0, length)));
    if (found.size <= most) break;
  }
  return [...found].map(prefix => rangeOf(prefix, bits[0]!.length));
}

function rangeOf(prefix: string, size: number): string {
  const all = prefix.padEnd(size, '0');
  const step = size === 32 ? 8 : 16;
  const groups = Array.from({ length: size / step }, (_, at) =>
    Number.parseInt(all.slice(at * step, (at + 1) * step), 2).toString(step === 8 ? 10 : 16),
  );
  return `${groups.join(step === 8 ? '.' : ':')}/${prefix.length}`;
}
